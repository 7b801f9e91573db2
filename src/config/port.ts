/**
 * `${port}` stands for a loopback port that is picked when an upstream's process starts. Until then `args`, `env` and
 * `url` of such an upstream are templates: `${port}` is the place to fill and `$${port}` is that text itself.
 */
import type { StartedHttpUpstream } from './upstream.ts';

const PLACE = /(?<!\$)\$\{port\}/g;
const ESCAPED = /\$\$\{port\}/g;

/** The members of an upstream in which `${port}` has a meaning. */
export const PORT_KEYS: readonly string[] = ['args', 'env', 'url'];

/** Whether this text has a `${port}` to fill. */
export function hasPort(text: string): boolean {
  return text.search(PLACE) !== -1;
}

/** Protects text that is to be taken literally, such as a secret, from `fillPort`. */
export function escapePort(text: string): string {
  // A replacement function: in a replacement string `$` has a meaning of its own.
  return text.replace(PLACE, () => `$\${port}`);
}

/** Undoes `escapePort` in text that no port will be filled into. */
export function unescapePort(text: string): string {
  return text.replace(ESCAPED, () => `\${port}`);
}

/** Puts the port into every `${port}` and undoes the escapes. */
export function fillPort(text: string, port: number): string {
  return unescapePort(text.replace(PLACE, () => String(port)));
}

/** The upstream as it is to be started on this port: no template is left in `args`, `env` or `url`. */
export function withPort(upstream: StartedHttpUpstream, port: number): StartedHttpUpstream {
  const env = Object.entries(upstream.env).map(([name, value]) => [name, fillPort(value, port)]);
  return {
    ...upstream,
    args: upstream.args.map((arg) => fillPort(arg, port)),
    env: Object.fromEntries(env),
    url: fillPort(upstream.url, port),
  };
}
