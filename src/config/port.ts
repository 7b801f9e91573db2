/**
 * `${port}` stands for a loopback port that is picked when an upstream's process starts. Until then `args`, `env` and
 * `url` of such an upstream are templates: `${port}` is the place to fill and `$${port}` is that text itself.
 */

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
  return text.replace(/\$\{port\}/g, () => `$\${port}`);
}

/** Undoes `escapePort` in text that no port will be filled into. */
export function unescapePort(text: string): string {
  return text.replace(ESCAPED, () => `\${port}`);
}

/** Puts the port into every `${port}` and undoes the escapes. */
export function fillPort(text: string, port: number): string {
  return unescapePort(text.replace(PLACE, () => String(port)));
}
