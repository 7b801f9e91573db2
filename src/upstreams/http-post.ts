/** A POST as undici takes it, whose body is one buffer, or several that need not be copied into one. */
import type { Dispatcher } from 'undici';
import { lengthOf, type Pieces } from '../protocol/json/pieces.ts';

/** @param headers those that are sent, which are left as they are */
export function postOf(
  path: string,
  headers: Record<string, string>,
  message: Buffer | Pieces,
): Dispatcher.DispatchOptions {
  const only = Buffer.isBuffer(message) ? message : message.length === 1 ? message[0]! : undefined;
  if (only) return { method: 'POST', path, headers, body: only };
  const length = { 'content-length': String(lengthOf(message as Pieces)) };
  // it takes whatever can be iterated over, which its type does not say
  return { method: 'POST', path, headers: { ...headers, ...length }, body: message as unknown as Buffer };
}
