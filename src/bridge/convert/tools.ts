/** Tools as clients of each version know them. */
import { applyEdits, type Edit, removeMembers } from '../../protocol/json/edit.ts';
import { isObjectAt, isStringAt, type Member, memberOf, members, type Span, textOf } from '../../protocol/json/scan.ts';
import { eachSchema } from '../../protocol/json/schema.ts';
import type { LegacyVersion } from '../../protocol/versions.ts';

export type ClientVersion = LegacyVersion | 'modern';

const EXECUTION = Buffer.from('"execution"');
const OUTPUT = Buffer.from('"outputSchema"');

/**
 * The JSON text of a listed tool for clients of a version: without `execution`, which 2025-11-25 alone has, and with an
 * output schema that is an object at its root, as all legacy versions that have one want it. The same bytes when nothing
 * is to be changed.
 */
export function toolFor(version: ClientVersion, tool: Buffer): Buffer {
  const executes = version !== '2025-11-25' && tool.indexOf(EXECUTION) >= 0;
  const outputs = version !== 'modern' && tool.indexOf(OUTPUT) >= 0;
  if (!executes && !outputs) return tool;
  const list = members(tool, 0);
  const gone = new Set(executes ? ['execution'] : []);
  const edits: Edit[] = [];
  if (outputs && version < '2025-06-18') gone.add('outputSchema');
  else if (outputs && wrapsOutput(tool)) edits.push(...wrapSchema(tool, memberOf(list, 'outputSchema')!));
  edits.push(...removeMembers(list, ({ key }) => gone.has(key)));
  return edits.length === 0 ? tool : applyEdits(tool, edits);
}

/** Where the schema is after it was put into an object: what refers to its root refers to this. */
const INSIDE = '#/properties/result';

/** The edits that put a schema into the schema of an object that has it as `result`. */
function wrapSchema(tool: Buffer, { start, end }: Span): Edit[] {
  const list = isObjectAt(tool, start) ? members(tool, start) : [];
  const dialect = memberOf(list, '$schema');
  const head = dialect ? `"$schema":${tool.toString('utf8', dialect.start, dialect.end)},` : '';
  const edits: Edit[] = [{ start, end: start, text: `{${head}"type":"object","properties":{"result":` }];
  // the dialect is named at the root
  if (!isBase(tool, list)) edits.push(...removeMembers(list, ({ key }) => key === '$schema'));
  eachSchema(tool, start, (inSchema) => {
    if (isBase(tool, inSchema)) return false;
    for (const at of [memberOf(inSchema, '$ref'), memberOf(inSchema, '$dynamicRef')]) {
      const target = at && isStringAt(tool, at.start) ? textOf(tool, at.start, at.end) : '';
      if (at && /^#(?:$|\/)/.test(target))
        edits.push({ start: at.start, end: at.end, text: JSON.stringify(INSIDE + target.slice(1)) });
    }
    return true;
  });
  edits.push({ start: end, end, text: '},"required":["result"]}' });
  return edits;
}

/** Whether a schema has a URI of its own, which what is inside of it refers to. */
function isBase(tool: Buffer, list: readonly Member[]): boolean {
  const id = memberOf(list, '$id');
  return id !== undefined && isStringAt(tool, id.start) && !textOf(tool, id.start, id.end).startsWith('#');
}

/** Whether the structured results of a tool are no objects, so that legacy clients get them inside of one. */
export function wrapsOutput(tool: Buffer): boolean {
  const known = wraps.get(tool);
  if (known !== undefined) return known;
  const found = readWraps(tool);
  wraps.set(tool, found);
  return found;
}

/** Tools are read once. */
const wraps = new WeakMap<Buffer, boolean>();

function readWraps(tool: Buffer): boolean {
  if (tool.indexOf(OUTPUT) < 0) return false;
  const schema = memberOf(members(tool, 0), 'outputSchema');
  if (!schema) return false;
  if (!isObjectAt(tool, schema.start)) return true;
  const type = memberOf(members(tool, schema.start), 'type');
  return !type || !isStringAt(tool, type.start) || textOf(tool, type.start, type.end) !== 'object';
}
