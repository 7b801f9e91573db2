/** Members of results that one era has and the other has not. */
import type { Caching } from '../../protocol/call.ts';
import { type Edit, removeMembers } from '../../protocol/json/edit.ts';
import { isObjectAt, memberOf, members, type Span } from '../../protocol/json/scan.ts';
import type { Message } from '../../protocol/message.ts';
import { SERVER_KEY, SUBSCRIPTION_KEY, TASK_KEY } from '../../protocol/meta.ts';

/** Members of results that legacy clients do not know. */
export const MODERN: ReadonlySet<string> = new Set(['resultType', 'ttlMs', 'cacheScope']);
const MODERN_META = new Set([SERVER_KEY, SUBSCRIPTION_KEY]);

/** The edits that take out of a result what only modern clients know. */
export function stripModern({ bytes, result }: Message): Edit[] {
  if (!result || !isObjectAt(bytes, result.start)) return [];
  const list = members(bytes, result.start);
  const meta = memberOf(list, '_meta');
  const inMeta = meta && strippedMeta(bytes, meta);
  const edits = removeMembers(list, ({ key }) => MODERN.has(key) || (inMeta === 'drop' && key === '_meta'));
  if (Array.isArray(inMeta)) edits.push(...inMeta);
  return edits;
}

/** The edits that do the same in its `_meta`; `drop` when nothing would be left of it. */
export function strippedMeta(bytes: Buffer, meta: Span): Edit[] | 'drop' {
  const list = isObjectAt(bytes, meta.start) ? members(bytes, meta.start) : [];
  if (list.length > 0 && list.every(({ key }) => MODERN_META.has(key))) return 'drop';
  return removeMembers(list, ({ key }) => MODERN_META.has(key));
}

/** The edits that take out of a result which task of its upstream it is of. */
export function withoutRelatedTask({ bytes, result }: Message): Edit[] {
  const meta = result && isObjectAt(bytes, result.start) ? memberOf(members(bytes, result.start), '_meta') : undefined;
  if (!meta || !isObjectAt(bytes, meta.start)) return [];
  return removeMembers(members(bytes, meta.start), ({ key }) => key === TASK_KEY);
}

/** What a result for a modern client has to say beside what the upstream said. */
export interface ModernExtra {
  /** Where the upstream names no type. */
  readonly resultType: string;
  /** Who answers, as JSON text. */
  readonly server: string;
  /** In place of what the upstream said, where it is given. */
  readonly cache?: Partial<Caching> | undefined;
}

/** The edits that add to a result what every result for a modern client has. */
export function addModern({ bytes, result }: Message, { resultType, server, cache }: ModernExtra): Edit[] {
  if (!result || !isObjectAt(bytes, result.start)) return [];
  const list = members(bytes, result.start);
  const edits: Edit[] = [];
  const added: string[] = [];
  if (!memberOf(list, 'resultType')) added.push(`"resultType":${JSON.stringify(resultType)}`);
  for (const [key, value] of Object.entries(cache ?? {})) {
    const at = memberOf(list, key);
    if (at) edits.push({ start: at.start, end: at.end, text: JSON.stringify(value) });
    else added.push(`"${key}":${JSON.stringify(value)}`);
  }
  const meta = memberOf(list, '_meta');
  if (meta) edits.push(...metaEdits(bytes, meta, server));
  else added.push(`"_meta":${metaOf(server)}`);
  if (added.length > 0) {
    const at = result.start + 1;
    edits.push({ start: at, end: at, text: added.join(',') + (list.length > 0 ? ',' : '') });
  }
  return edits;
}

/** The `_meta` of a result that has none. @param server who answers, as JSON text */
export const metaOf = (server: string): string => `{"${SERVER_KEY}":${server}}`;

/** The edits of a `_meta` that is there. */
export function metaEdits(bytes: Buffer, { start, end }: Span, server: string): Edit[] {
  if (!isObjectAt(bytes, start)) return [{ start, end, text: metaOf(server) }];
  const goes = (key: string): boolean => key === SERVER_KEY || key === TASK_KEY;
  const list = members(bytes, start);
  const comma = list.some(({ key }) => !goes(key)) ? ',' : '';
  return [
    { start: start + 1, end: start + 1, text: `"${SERVER_KEY}":${server}${comma}` },
    ...removeMembers(list, ({ key }) => goes(key)),
  ];
}
