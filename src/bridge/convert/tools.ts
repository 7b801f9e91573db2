/** Tools as clients of each version know them. */
import { applyEdits, type Edit, removeMembers } from '../../protocol/json/edit.ts';
import { isObjectAt, isStringAt, memberOf, members, textOf } from '../../protocol/json/scan.ts';
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
  else if (outputs && wrapsOutput(tool)) {
    const schema = memberOf(list, 'outputSchema')!;
    edits.push({ start: schema.start, end: schema.start, text: '{"type":"object","properties":{"result":' });
    edits.push({ start: schema.end, end: schema.end, text: '},"required":["result"]}' });
  }
  edits.push(...removeMembers(list, ({ key }) => gone.has(key)));
  return edits.length === 0 ? tool : applyEdits(tool, edits);
}

/** Whether the structured results of a tool are no objects, so that legacy clients get them inside of one. */
export function wrapsOutput(tool: Buffer): boolean {
  const known = wraps.get(tool) ?? readWraps(tool);
  wraps.set(tool, known);
  return known;
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
