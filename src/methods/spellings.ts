/**
 * Other spellings of a URI that its upstream may take for the same: a rule about URIs is not to be got around by dots,
 * escapes or capitals.
 */

/** How often escapes may stand for escapes. */
const DEEPEST = 4;

export interface Spellings {
  /** The URI itself first, then its other spellings (RFC 3986 §6.2.2), those without escapes and dots included. */
  readonly all: readonly string[];
  /** Those of them that are left when nothing has to be resolved any more: where the URI may lead in the end. */
  readonly resolved: readonly string[];
}

export function spellingsOf(uri: string): Spellings {
  const all = new Set([uri]);
  const resolved = new Set<string>();
  const add = (text: string): void => {
    for (const one of [tidy(text), ...asPaths(text)]) {
      all.add(one);
      resolved.add(one);
    }
  };
  add(uri);
  let text = uri;
  for (let i = 0; i < DEEPEST; i++) {
    const plain = unescaped(text);
    if (plain === text) break;
    text = plain;
    all.add(text);
    // what escapes stand for may be a part of a name; only with dots does it lead elsewhere
    if (UNRESOLVED.test(pathOf(text)) || text.includes('\\')) add(text);
    else all.add(tidy(text));
  }
  if (text.includes('\\')) add(text.replaceAll('\\', '/'));
  return { all: [...all], resolved: [...resolved] };
}

/** What has to be resolved: a segment of dots, also one with parameters, or an empty one. */
const UNRESOLVED = /\/\/|(?:^|\/)\.{1,2}(?:;[^/]*)?(?:\/|$)/;

/**
 * What comes out where an upstream cuts off what is before the path, and takes the rest for the path of a file: `?` and `#`
 * end nothing, parameters may be left out, runs of `/` are one, and `..` takes away what stands before it, the name of a
 * host as well.
 */
function asPaths(uri: string): string[] {
  const plain = uri.replace(/;[^/]*/g, '');
  return plain === uri ? asPath(uri) : [...asPath(uri), ...asPath(plain)];
}

function asPath(uri: string): string[] {
  const [, scheme, slashes, rest] = /^([a-z][a-z0-9+.-]*:)(\/\/)?(.*)$/is.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined || !UNRESOLVED.test(rest)) return [];
  if (slashes === undefined) return [scheme + withoutDots(rest)];
  const at = rest.indexOf('/');
  const [host, path] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at)];
  return [scheme + slashes + host + withoutDots(path), scheme + slashes + withoutDots(rest)];
}

const pathOf = (uri: string): string => uri.replace(/^[a-z][a-z0-9+.-]*:(?:\/\/)?/i, '');

/** A path without empty segments and dots. It never leads above where it begins. */
function withoutDots(path: string): string {
  const segments: string[] = [];
  const parts = path.split('/');
  for (const part of parts) {
    const [dots] = part.split(';', 1);
    if (dots === '..') segments.pop();
    else if (part !== '' && dots !== '.') segments.push(part);
  }
  const isFolder = /(?:^|\/)(?:\.{1,2}(?:;[^/]*)?)?$/.test(path) && segments.length > 0;
  return `${path.startsWith('/') ? '/' : ''}${segments.join('/')}${isFolder ? '/' : ''}`;
}

/** Scheme and host in lower case, and no `.` and `..` in its path. */
function tidy(uri: string): string {
  const parsed = URL.parse(uri);
  if (!parsed || parsed.href === `${uri}/`) return uri;
  // the escapes that parsing adds are those of the characters that were there
  return /%[0-9a-f]{2}/i.test(uri) ? parsed.href : unescaped(parsed.href);
}

/** Octets that are no text stay as they are. */
const unescaped = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
