/** What a person sees on the terminal when the gateway is up. */

/**
 * @param first what is said of a user that was made, if one was
 * @param profiles URLs of profiles other than that one
 * @returns the lines to print, with the URL to paste into a host
 */
export function banner(
  url: string,
  upstreams: readonly string[],
  first: readonly string[] = [],
  profiles: readonly string[] = [],
): string {
  const lines = [
    '',
    `  Patchbay is serving ${upstreams.length} upstream${upstreams.length === 1 ? '' : 's'}: ${upstreams.join(', ')}`,
    '',
    `  Paste this URL into your host:  ${url}`,
    ...profiles.map((profile) => `  or that of a profile:           ${profile}`),
    `  Claude Code:  claude mcp add --transport http patchbay ${url}`,
    ...(first.length > 0 ? [''] : []),
    ...first.map((line) => `  ${line}`),
    '',
    '  Ctrl-C stops it.',
    '',
  ];
  return `${lines.join('\n')}\n`;
}
