/**
 * How every target says where it listens: one JSON line on stderr, `{"msg":"listening","url":"http://…"}`, the same
 * line that `patchbay serve` logs.
 */
import type { AddressInfo } from 'node:net';

/** Writes the listening line for a server bound to 127.0.0.1; `path` is the MCP endpoint. */
export function announce(address: AddressInfo | string | null, path: string): void {
  if (address === null || typeof address === 'string') throw new Error('the server is not bound to a TCP port');
  process.stderr.write(`${JSON.stringify({ msg: 'listening', url: `http://127.0.0.1:${address.port}${path}` })}\n`);
}

/** The URL in a listening line, or undefined for any other line. */
export function listeningUrl(line: string): string | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { msg, url } = entry as { msg?: unknown; url?: unknown };
    return msg === 'listening' && typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}
