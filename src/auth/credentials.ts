/** The credentials that an HTTP request carries (RFC 6750 §2, RFC 9449 §7.1). */
import { Fault } from '../errors.ts';

export interface Presented {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
}

/** RFC 6750 §2.1 `b64token`. */
const CREDENTIALS = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)$/i;
const KEY_HEADER = 'x-api-key';
const IN_QUERY = /[?&](access_token|api_key)=/i;

/**
 * @returns `undefined` when there are none
 * @throws Fault `badCredentials` for more than one, in the wrong place, or malformed
 */
export function credentialsOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  url: string,
): Presented | undefined {
  if (IN_QUERY.test(url))
    throw new Fault('badCredentials', { detail: 'a token belongs in the Authorization header, not in the URL' });
  const { authorization, [KEY_HEADER]: key } = headers;
  if (authorization === undefined) {
    if (key === undefined) return undefined;
    if (typeof key === 'string' && CREDENTIALS.test(`bearer ${key}`)) return { scheme: 'bearer', token: key };
    throw new Fault('badCredentials', { detail: 'the X-API-Key header is malformed' });
  }
  if (key !== undefined) throw new Fault('badCredentials', { detail: 'there are two, Authorization and X-API-Key' });
  const [, scheme = '', token = ''] = CREDENTIALS.exec(String(authorization)) ?? [];
  if (token === '')
    throw new Fault('badCredentials', { detail: 'the Authorization header must be "Bearer" and one token' });
  return { scheme: scheme.toLowerCase() as Presented['scheme'], token };
}
