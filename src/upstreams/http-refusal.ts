/** What is made of the body and the status of an HTTP answer that refuses a request. */
import { isObjectAt } from '../protocol/json/scan.ts';
import { numberAt, readMessage } from '../protocol/message.ts';

/** What an admin can do about a status. */
export function remark(status: number): string {
  if (status === 401 || status === 403) return '; check the credentials in its headers';
  if (status === 404 || status === 405) return '; check that its url is the MCP endpoint';
  if (status === 429 || status === 503) return '; it is busy, try again later';
  return '';
}

/**
 * The JSON-RPC error in the body of a refusal, as the answer to the request it was posted for.
 * @returns `undefined` when there is none; `own` when it names the request by itself
 */
export function errorFor(body: Buffer, of: number): { message: Buffer; own: boolean } | undefined {
  try {
    const { error, id } = readMessage(body);
    if (!error || !isObjectAt(body, error.start)) return undefined;
    if (id && numberAt(body, id) === of) return { message: body, own: true };
    if (id && body.toString('utf8', id.start, id.end) !== 'null') return undefined;
    const text = body.toString('utf8', error.start, error.end);
    return { message: Buffer.from(`{"jsonrpc":"2.0","id":${of},"error":${text}}`), own: false };
  } catch {
    return undefined;
  }
}
