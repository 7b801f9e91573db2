/**
 * Other spellings of a URI that its upstream may take for the same: a rule about URIs is not to be got around by dots,
 * escapes or capitals.
 */

/** How often escapes may stand for escapes. */
const DEEPEST = 4;

/** @returns the URI itself first, then its other spellings (RFC 3986 §6.2.2), those without escapes and dots included */
export function spellingsOf(uri: string): readonly string[] {
  const found = new Set([uri, tidy(uri)]);
  let text = uri;
  for (let i = 0; i < DEEPEST; i++) {
    const plain = unescaped(text);
    if (plain === text) break;
    text = plain;
    found.add(text).add(tidy(text));
  }
  if (text.includes('\\')) found.add(tidy(text.replaceAll('\\', '/')));
  return [...found];
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
