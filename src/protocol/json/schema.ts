/** The schemas inside of a JSON Schema, where they stand in its text (JSON Schema 2020-12, and the names that came before). */
import { elements, isArrayAt, isObjectAt, type Member, members } from './scan.ts';

/** Keywords whose values are no schemas. */
const DATA = new Set(['const', 'default', 'enum', 'examples', 'x-mcp-header']);

/** Keywords whose values are objects that hold schemas under names of the author's. */
const NAMED = new Set(['$defs', 'definitions', 'dependencies', 'dependentSchemas', 'patternProperties', 'properties']);

/**
 * What is done at each schema that is an object.
 * @param list its members
 * @param path the properties that lead to it
 * @param chain whether `properties` alone do
 * @returns `false` when what is inside of it is not to be looked at
 */
export type SchemaVisitor = (list: readonly Member[], path: readonly string[], chain: boolean) => boolean;

/**
 * Visits a schema and all those in it, in the order of the text; what an unknown keyword holds is taken for a schema.
 * @param at where the schema begins in `bytes`
 */
export function eachSchema(
  bytes: Buffer,
  at: number,
  visit: SchemaVisitor,
  path: readonly string[] = [],
  chain = true,
): void {
  if (isArrayAt(bytes, at)) for (const { start } of elements(bytes, at)) eachSchema(bytes, start, visit, path, false);
  if (!isObjectAt(bytes, at)) return;
  const list = members(bytes, at);
  if (!visit(list, path, chain)) return;
  for (const { key, start } of list) {
    if (DATA.has(key)) continue;
    if (!NAMED.has(key) || !isObjectAt(bytes, start)) eachSchema(bytes, start, visit, path, false);
    else if (key === 'properties')
      for (const named of members(bytes, start)) eachSchema(bytes, named.start, visit, [...path, named.key], chain);
    else for (const named of members(bytes, start)) eachSchema(bytes, named.start, visit, path, false);
  }
}
