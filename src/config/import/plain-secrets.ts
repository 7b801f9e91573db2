/** Secrets that are written out in texts of a config, told by their names and by what they look like. */

/** Names of headers, variables, flags and query parameters whose values are secrets. */
const SECRET_NAME =
  /authorization|cookie|token|secret|passw(or)?d|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|credential|bearer|(^|[-_])(pat|pwd|key|auth)$/i;

/** What keys of well-known services begin with, and JSON Web Tokens. */
const SECRET_START =
  /^(sk-|sk_|pk_live|rk_live|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|AIza|ya29\.|ntn_|secret_|lin_api_|figd_|hf_|pplx-|tvly-|npm_|dop_v1_|sbp_|shpat_|SG\.|eyJ[\w-]+\.)/;

/** A part of a text that is a secret. */
export interface PlainSecret {
  /** What it is called there: the name of the flag, the parameter or the variable. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Whether a value of this name is a secret; one without letters or digits is none, and neither is a plain word or number. */
export function isSecret(name: string, value: string): boolean {
  if (SECRET_START.test(value)) return true;
  if (!SECRET_NAME.test(name)) return looksRandom(value);
  return value.length > 3 && !/^(true|false|none|null|\d{1,5}|[./~].*|[A-Za-z]:\\.*)$/i.test(value);
}

/** The secrets in the value of a header or variable of this name. */
export function secretsInValue(name: string, value: string): PlainSecret[] {
  if (/^\s*\{/.test(value)) return secretsInJson(value);
  // `Bearer abc`: the scheme is none
  const scheme = /^(?:Bearer|Basic|Token|Bot|ApiKey)\s+(?=\S)/i.exec(value)?.[0] ?? '';
  if (isSecret(name, value.slice(scheme.length)) && !/^\w+:\/\//.test(value)) {
    return [{ name, start: scheme.length, end: value.length }];
  }
  return secretsInUrl(name, value);
}

/** Those of a JSON text, by the names of its members. */
function secretsInJson(json: string): PlainSecret[] {
  return [...json.matchAll(/"([^"\\]+)"\s*:\s*"([^"\\]+)"/g)].flatMap(({ 0: all, 1: name = '', 2: text = '', index }) =>
    shifted(secretsInValue(name, text), index + all.length - 1 - text.length),
  );
}

const shifted = (secrets: readonly PlainSecret[], by: number): PlainSecret[] =>
  secrets.map((one) => ({ ...one, start: one.start + by, end: one.end + by }));

/** The secrets in a URL: the password before its host, parts of its path that are keys, and values of its query. */
export function secretsInUrl(name: string, value: string): PlainSecret[] {
  const found: PlainSecret[] = [];
  const login = /^\w[\w+.-]*:\/\/[^/?#@:]*:([^/?#@]+)@/.exec(value);
  if (login?.[1]) {
    const end = login[0].length - 1;
    found.push({ name: name === '' ? 'PASSWORD' : `${name}_PASSWORD`, start: end - login[1].length, end });
  }
  const [start] = /^\w[\w+.-]*:\/\/[^/?#]*/.exec(value) ?? [];
  if (start === undefined) return found;
  const [path = ''] = /^[^?#]*/.exec(value.slice(start.length)) ?? [];
  for (const { 0: part, index } of path.matchAll(/[^/]+/g)) {
    if (isSecret('', part))
      found.push({
        name: name === '' ? 'KEY' : `${name}_KEY`,
        start: start.length + index,
        end: start.length + index + part.length,
      });
  }
  for (const { 1: key = '', 2: text = '', index, 0: all } of value.matchAll(/[?&]([^=&#]+)=([^&#]+)/g)) {
    if (isSecret(key, text))
      found.push({ name: key, start: index + all.length - text.length, end: index + all.length });
  }
  return found;
}

/**
 * The secrets in one argument.
 * @param before the argument before it, which may be the flag that it belongs to
 */
export function secretsInArgument(value: string, before = ''): PlainSecret[] {
  // --api-key=abc, -e TOKEN=abc, --header "Authorization: Bearer abc"
  const [, lead = '', name = '', text] = /^((?:-{0,2})([A-Za-z][\w-]*)(?:=|:\s*(?!\/\/)))(.+)$/s.exec(value) ?? [];
  if (text !== undefined) {
    const own = secretsInValue(name, text);
    // --header=Authorization: Bearer abc
    return shifted(own.length > 0 ? own : secretsInArgument(text), lead.length);
  }
  const flag = /^--?([A-Za-z][\w-]*)$/.exec(before)?.[1] ?? '';
  if (value.startsWith('-')) return [];
  return secretsInValue(flag, value).map((one) => (one.name === '' ? { ...one, name: 'secret' } : one));
}

/** Long, of letters and digits, and no path, no name with words: nobody has made it up. */
function looksRandom(value: string): boolean {
  if (!/^[A-Za-z0-9+_=-]{32,}$/.test(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  return !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) && !/^[a-z]+([-_][a-z]+)+/i.test(value);
}
