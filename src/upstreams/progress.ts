/** Progress notifications of an upstream, in the terms of the client that asked for them. */
import { memberOf } from '../protocol/json/scan.ts';
import { type Message, messageBytes, numberAt } from '../protocol/message.ts';
import type { Pending, PendingTable } from './pending.ts';

/**
 * @returns the call it is about, and the notification under the client's own token, unless that asked for none or the
 *   progress does not increase (2025-11-25, progress); `undefined` when it is about no call in flight
 */
export function progressFor(
  message: Message,
  table: PendingTable,
): { pending: Pending; notification: Buffer | undefined } | undefined {
  const { bytes, inParams: list } = message;
  if (!list) return undefined;
  const token = memberOf(list, 'progressToken');
  const pending = token && table.get(numberAt(bytes, token));
  if (!token || !pending) return undefined;
  const { shownToken: text } = pending.call;
  const progress = memberOf(list, 'progress');
  const value = progress ? numberAt(bytes, progress) : Number.NaN;
  if (text === undefined || value <= pending.progress) return { pending, notification: undefined };
  if (!Number.isNaN(value)) pending.progress = value;
  return { pending, notification: messageBytes(message, [{ start: token.start, end: token.end, text }]) };
}
