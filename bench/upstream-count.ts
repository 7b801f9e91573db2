/** @param url of the bare MCP server @returns how many messages have come to it so far */
export async function countOf(url: string): Promise<number> {
  return Number(await (await fetch(new URL('/count', url))).text());
}
