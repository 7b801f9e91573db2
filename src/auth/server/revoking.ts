/** Access tokens that a client hands in to be revoked (RFC 7009): signed ones, which are kept nowhere. */
import { randomBytes } from 'node:crypto';
import type { OwnTokens } from './own-tokens.ts';
import type { Records } from './records.ts';

const KIND = 'AccessToken';
/** For as long as the request takes, seconds. */
const TTL = 60;

/**
 * The server knows opaque tokens alone: an access token that was made here gets an opaque name for the time of the request,
 * under which the server finds whose it is and what ends with it. Any other token with a signature is one that it does not
 * know, which is no error (RFC 7009 §2.2).
 * @param body of a request to the revocation endpoint, as a form
 * @returns the body to go on with
 */
export async function nameToken(body: Buffer, tokens: OwnTokens, records: Records): Promise<Buffer> {
  const form = new URLSearchParams(body.toString('utf8'));
  const [token, ...others] = form.getAll('token');
  if (token === undefined || others.length > 0 || token.split('.').length !== 3) return body;
  const name = randomBytes(32).toString('base64url');
  const made = await tokens.madeHere(token);
  if (made) records.put(KIND, name, { kind: KIND, jti: name, ...made }, TTL);
  form.set('token', name);
  return Buffer.from(form.toString());
}
