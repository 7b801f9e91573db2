/** Forms as clients of 2025-06-18 know them: no titled choices, no choice of several, no defaults but of booleans. */
import { applyEdits, type Edit, removeMembers } from '../../protocol/json/edit.ts';
import { elements, isArrayAt, isObjectAt, type Member, memberOf, members } from '../../protocol/json/scan.ts';
import { stringOf } from './blocks.ts';

/**
 * The params of an `elicitation/create` for a client of a version.
 * @param params their JSON text
 * @returns the same bytes when nothing is to be changed; `undefined` when such a client cannot be asked this
 */
export function elicitationFor(version: string, params: Buffer): Buffer | undefined {
  if (version >= '2025-11-25') return params;
  const list = members(params, 0);
  if (stringOf(params, list, 'mode') === 'url') return undefined;
  const edits = removeMembers(list, ({ key }) => key === 'mode');
  const schema = memberOf(list, 'requestedSchema');
  if (schema && isObjectAt(params, schema.start)) {
    const inSchema = members(params, schema.start);
    edits.push(...removeMembers(inSchema, ({ key }) => key === '$schema'));
    const properties = memberOf(inSchema, 'properties');
    const fields = properties && isObjectAt(params, properties.start) ? members(params, properties.start) : [];
    for (const field of fields) {
      if (!isObjectAt(params, field.start)) continue;
      const changed = fieldEdits(params, members(params, field.start));
      if (!changed) return undefined;
      edits.push(...changed);
    }
  }
  return edits.length === 0 ? params : applyEdits(params, edits);
}

/** What those of 2025-06-18 call the choices of a field. */
const CHOICES = new Set(['enum', 'enumNames']);

function fieldEdits(bytes: Buffer, list: readonly Member[]): Edit[] | undefined {
  const type = stringOf(bytes, list, 'type');
  if (type === 'array') return undefined;
  const oneOf = memberOf(list, 'oneOf');
  const choices = oneOf && choicesOf(bytes, oneOf);
  const edits = removeMembers(
    list,
    (member) =>
      (member.key === 'default' && type !== 'boolean') ||
      (choices !== undefined && (CHOICES.has(member.key) || (member.key === 'oneOf' && member !== oneOf))),
  );
  if (choices !== undefined) edits.push({ start: oneOf!.keyStart, end: oneOf!.end, text: choices });
  return edits;
}

/** The members that stand in for titled choices; `undefined` when they are none. */
function choicesOf(bytes: Buffer, oneOf: Member): string | undefined {
  if (!isArrayAt(bytes, oneOf.start)) return undefined;
  const values: string[] = [];
  const names: string[] = [];
  for (const { start } of elements(bytes, oneOf.start)) {
    const list = isObjectAt(bytes, start) ? members(bytes, start) : [];
    const value = memberOf(list, 'const');
    if (!value) return undefined;
    const text = bytes.toString('utf8', value.start, value.end);
    const title = stringOf(bytes, list, 'title');
    values.push(text);
    names.push(title === undefined ? text : JSON.stringify(title));
  }
  return `"enum":[${values.join(',')}],"enumNames":[${names.join(',')}]`;
}
