/** Arguments that always have the same value: spliced into a request, whatever else it carries. */
import { canonicalJson } from './json/canonical.ts';
import { applyEdits, type Edit, insertMember, removeMembers } from './json/edit.ts';
import { isObjectAt, type Member, members, type Span } from './json/scan.ts';
import { valueAt } from './message.ts';
import { only } from './params.ts';
import type { Arguments } from './tool-headers.ts';

/** What becomes of the arguments of a request. */
export interface Fixed {
  /** What is changed in the request. */
  readonly edits: readonly Edit[];
  /** The arguments as they are then. */
  readonly args: Arguments;
}

/**
 * Gives an object in a request its fixed members. One that the request has already is replaced where it has this very
 * value.
 * @param bytes the text of the request
 * @param holder the object that has the arguments, such as `params`, and its members
 * @param fixed JSON texts by name
 * @throws ParamsError where there are two objects of arguments
 * @returns the edits; or the name of an argument that is there with another value
 */
export function fixArguments(
  bytes: Buffer,
  holder: { readonly span: Span; readonly members: readonly Member[] },
  fixed: ReadonlyMap<string, string>,
): Fixed | string {
  const at = only(holder.members, 'arguments');
  if (!at || !isObjectAt(bytes, at.start)) {
    const text = Buffer.from(`{${spelled(fixed)}}`);
    const edit = at
      ? { start: at.start, end: at.end, text }
      : insertMember(holder.span, holder.members, 'arguments', text);
    return { edits: [edit], args: { bytes: text, at: { start: 0, end: text.length } } };
  }
  const list = members(bytes, at.start);
  const sent = list.filter(({ key }) => fixed.has(key));
  const other = sent.find((member) => canonicalJson(valueAt(bytes, member)) !== canonicalOf(fixed.get(member.key)!));
  if (other) return other.key;
  const tail = sent.length < list.length ? ',' : '';
  // what is put in comes first: what is taken out may begin at the same place
  const edits: Edit[] = [
    { start: at.start + 1, end: at.start + 1, text: spelled(fixed) + tail },
    ...removeMembers(list, ({ key }) => fixed.has(key)),
  ];
  const text = applyEdits(bytes, edits, at.start, at.end);
  return { edits, args: { bytes: text, at: { start: 0, end: text.length } } };
}

const canonicalOf = (json: string): string => canonicalJson(JSON.parse(json));

const spelled = (fixed: ReadonlyMap<string, string>): string =>
  [...fixed].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',');
