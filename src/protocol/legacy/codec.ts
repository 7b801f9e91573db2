/** The legacy era towards an upstream: plain JSON-RPC, ids and progress tokens spliced in. */
import type { Call } from '../call.ts';
import type { Codec, Encoded } from '../codec.ts';
import type { Edit } from '../json/edit.ts';
import { isObjectAt } from '../json/scan.ts';
import { compose, type Message, messageBytes } from '../message.ts';
import { legacyMethods } from '../methods.ts';

const NO_HEADERS: Readonly<Record<string, string>> = {};

export const legacyCodec: Codec = {
  era: 'legacy',

  supports: (method) => legacyMethods.has(method),

  request(call: Call, id: number): Encoded {
    const { message, edits, progressToken } = call;
    const own: Edit[] = [...edits, { start: message.id!.start, end: message.id!.end, text: String(id) }];
    if (progressToken) own.push({ start: progressToken.start, end: progressToken.end, text: String(id) });
    return { body: messageBytes(message, own), headers: NO_HEADERS };
  },

  cancelled: (id, reason) =>
    compose('notifications/cancelled', { requestId: id, ...(reason === undefined ? {} : { reason }) }),

  refuse(_method: string, response: Message): string | undefined {
    if (response.error) return isObjectAt(response.bytes, response.error.start) ? undefined : '"error" is no object';
    if (!response.result) return 'neither "result" nor "error"';
    return isObjectAt(response.bytes, response.result.start) ? undefined : '"result" is no object';
  },
};
