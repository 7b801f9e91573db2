/** Every key of the config stands in a golden, so that what it parses to, or is refused with, is written down. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import type { JsonSchema } from '../../src/config/json-schema-node.ts';
import { schemaKeys } from '../../src/config/reference.ts';
import { readYaml } from '../../src/config/yaml.ts';
import { readGolden } from './golden-file.ts';

const folder = new URL('./golden/', import.meta.url);
const schema = configJsonSchema();

/** The keys of a value in the form of `schemaKeys`: names that an admin chooses are `*`. */
function* keysOf(value: unknown, node: JsonSchema | undefined, path: string): Iterable<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* keysOf(item, node?.items, `${path}[]`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const { properties, additionalProperties } = node ?? {};
    const open = typeof additionalProperties === 'object' ? additionalProperties : undefined;
    const child = properties?.[key] ?? open;
    const name = `${path === '' ? '' : `${path}.`}${properties === undefined ? '*' : key}`;
    yield name.replace(/^(mcpServers|servers)\./, 'upstreams.');
    yield* keysOf(item, child?.$ref === undefined ? child : schema.$defs?.[child.$ref.replace('#/$defs/', '')], name);
  }
}

test('every key is in the input of one', () => {
  const seen = new Set<string>();
  for (const name of readdirSync(folder)) {
    const { value } = readYaml(readGolden(readFileSync(new URL(name, folder), 'utf8')).input);
    for (const key of keysOf(value, schema, '')) seen.add(key.replace(/^(mcpServers|servers)\./, 'upstreams.'));
  }
  const missing = schemaKeys().filter((key) => !seen.has(key));
  expect(missing, 'put these keys into a file of test/config/golden, such as every-key.txt').toEqual([]);
});
