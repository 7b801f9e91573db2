/** What the bare MCP server says of itself, apart from MCP. */

/** @param url of the server @returns how many messages have come to it so far */
export async function countOf(url: string): Promise<number> {
  return Number(await (await fetch(new URL('/count', url))).text());
}

/** @param url of the server @returns the URLs of all ports that it listens on, that one included */
export async function urlsOf(url: string): Promise<string[]> {
  return (await (await fetch(new URL('/urls', url))).json()) as string[];
}
