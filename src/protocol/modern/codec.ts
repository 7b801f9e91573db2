/** The modern era towards an upstream: every request describes itself in `_meta` and in headers (2026-07-28). */
import type { Call } from '../call.ts';
import type { Encoded, Speaker } from '../codec.ts';
import { encodeHeaderValue } from '../header-value.ts';
import { METHOD_HEADER, NAME_HEADER, VERSION_HEADER } from '../headers.ts';
import { type Edit, insertMember, removeMembers } from '../json/edit.ts';
import { messagePieces } from '../message.ts';
import { CAPABILITIES_KEY, CLIENT_KEY, ENVELOPE, LEVEL_KEY, VERSION_KEY } from '../meta.ts';
import { modernMethods } from '../methods.ts';

/** Members of params that this side sets itself, or that the era does not have. */
const OWN = new Set(['_meta', 'inputResponses', 'requestState', 'task']);

/**
 * The upstream's spelling of a call.
 * @param id the upstream-side JSON-RPC id, which is the progress token as well
 */
export function modernRequest(call: Call, id: number, speaker: Speaker): Encoded {
  const { message, edits, continuation } = call;
  const { params } = message;
  const own: Edit[] = [...edits, { start: message.id!.start, end: message.id!.end, text: String(id) }];
  const members = call.params.members;
  const set = [`"_meta":${envelope(call, id, speaker)}`];
  if (continuation?.inputResponses) set.push(`"inputResponses":${continuation.inputResponses}`);
  if (continuation?.requestState !== undefined) set.push(`"requestState":${continuation.requestState}`);
  const text = set.join(',');
  if (!params) own.push(insertMember(message, message.members, 'params', `{${text}}`));
  else {
    const kept = members.some(({ key }) => !OWN.has(key));
    own.push({ start: params.start + 1, end: params.start + 1, text: kept ? `${text},` : text });
    own.push(...removeMembers(members, ({ key }) => OWN.has(key)));
  }
  const headers: Record<string, string> = {
    ...call.headers,
    [VERSION_HEADER]: speaker.version,
    [METHOD_HEADER]: call.method,
  };
  // the names that the upstream knows, whatever the client called them
  if (call.target && modernMethods.get(call.method)?.named) headers[NAME_HEADER] = encodeHeaderValue(call.target.name);
  return { body: messagePieces(message, own), headers };
}

/** The text of `_meta`: what this side says of itself, and whatever else the client had there. */
function envelope(call: Call, id: number, { version, capabilities, info }: Speaker): string {
  const parts = [
    `"${VERSION_KEY}":${JSON.stringify(version)}`,
    `"${CAPABILITIES_KEY}":${JSON.stringify(capabilities)}`,
    `"${CLIENT_KEY}":${JSON.stringify(info)}`,
  ];
  if (call.logLevel !== undefined) parts.push(`"${LEVEL_KEY}":${JSON.stringify(call.logLevel)}`);
  if (call.progressToken) parts.push(`"progressToken":${id}`);
  const { bytes } = call.message;
  for (const member of call.params.meta)
    if (member.key !== 'progressToken' && !ENVELOPE.has(member.key))
      parts.push(bytes.toString('utf8', member.keyStart, member.end));
  return `{${parts.join(',')}}`;
}
