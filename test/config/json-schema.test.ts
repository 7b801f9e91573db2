import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema, configJsonSchemaText } from '../../src/config/json-schema.ts';
import { type JsonSchema, schemaAt } from '../../src/config/json-schema-node.ts';

const root = new URL('../../config/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const editor = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
const accepts = (value: unknown) => editor.safeParse(value).success;

test('the committed file is the generated one; `node scripts/schema.ts` writes it', () => {
  expect(read('patchbay.schema.json')).toBe(configJsonSchemaText());
});

test('is draft 2020-12 with a title and a description', () => {
  const { $schema, $id, title, description } = configJsonSchema();
  expect($schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect($id).toBeUndefined();
  expect(title).toBeTypeOf('string');
  expect(description).toBeTypeOf('string');
});

test('describes every key, and names the unit of every duration and size', () => {
  const bare: string[] = [];
  const walk = (node: JsonSchema, path: string) => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const text = String(child.description ?? '');
      const measured = [child.type].flat().includes('number');
      if (text === '' || (measured && !/Seconds|Bytes/.test(text))) bare.push(`${path}.${key}`);
      walk(child, `${path}.${key}`);
    }
    for (const [name, child] of Object.entries(node.$defs ?? {})) walk(child, name);
  };
  walk(configJsonSchema(), '');
  expect(bare).toEqual([]);
});

test('gives the default of every key that has one', () => {
  const schema = configJsonSchema();
  const at = (...path: string[]) => schemaAt(schema, path)?.default;
  expect(at('server', 'keepAlive')).toBe('20s');
  expect(at('server', 'allowedHosts')).toEqual([]);
  expect(at('upstreams', 'any', 'timeouts', 'call')).toBe('5m');
  expect(at('upstreams', 'any', 'transport')).toBe('auto');
  expect(at('mcpServers', 'any', 'inheritEnv')).toContain('PATH');
});

test.each(['patchbay.yaml', 'examples/minimal.yaml', 'examples/transparent.yaml', 'examples/remote.yaml'])(
  'accepts %s as it is written',
  (file) => expect(editor.safeParse(parse(read(file))).error).toBeUndefined(),
);

test.each([
  { server: null, names: null, upstreams: null },
  { server: { port: `\${env:PORT:-8080}` }, auth: { insecure: `\${env:OPEN}` }, log: { level: `\${env:LEVEL}` } },
  { server: { keepAlive: 1.5, maxBodySize: `\${env:SIZE}` } },
  { upstreams: { 'my server': { command: 'x', timeouts: { call: '5m' } } } },
])('accepts %j', (value) => expect(accepts(value)).toBe(true));

test.each([
  { server: { port: '8080' } },
  { server: { port: 65_536 } },
  { server: { keepAlive: '5min' } },
  { server: { maxBodySize: '4MB' } },
  { auth: { insecure: 'yes' } },
  { log: { level: 'verbose' } },
  { names: { seperator: '-' } },
  { names: { separator: '::' } },
  { upstreams: { a: { comand: 'x' } } },
  { upstreams: { '': { command: 'x' } } },
  { upstreams: [] },
])('refuses %j', (value) => expect(accepts(value)).toBe(false));

test('finds the schema at a path, and nothing where the path leaves it', () => {
  const schema = configJsonSchema();
  expect(schemaAt(schema, ['server', 'port'])?.maximum).toBe(65_535);
  expect(schemaAt(schema, ['upstreams', 'a', 'args', 0])?.type).toBe('string');
  expect(schemaAt(schema, ['upstreams', 'a', 'headers', 'X'])?.type).toBe('string');
  expect(schemaAt(schema, ['server', 'constructor'])).toBeUndefined();
  expect(schemaAt(schema, ['server', 'port', 'x'])).toBeUndefined();
});
