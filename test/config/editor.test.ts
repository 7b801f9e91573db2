/** The published JSON Schema as editors use it: with a validator of the specification, on files as they are written. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { speaksForItself } from '../../src/config/examples.ts';
import { type JsonSchema, schemaAt } from '../../src/config/json-schema-node.ts';
import { schemaKeys } from '../../src/config/reference.ts';
import { readGolden, run } from './golden-file.ts';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const schema = JSON.parse(read('config/patchbay.schema.json')) as JsonSchema;
const validate = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);

/** What is wrong with a config, a place and a reason each. */
const problemsOf = (text: string): string[] => {
  validate(parse(text, { merge: true }));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

test.each([
  'config/patchbay.yaml',
  ...readdirSync(new URL('config/examples/', root)).map((name) => `config/examples/${name}`),
])('%s has no problems', (file) => expect(problemsOf(read(file))).toEqual([]));

const goldens = readdirSync(new URL('./golden/', import.meta.url))
  .map((name) => ({ name, golden: readGolden(readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8')) }))
  .filter(({ golden }) => !golden.sections.has('problems'));

test.each(goldens.map(({ name, golden }) => [name, golden] as const))(
  '%s: what Patchbay takes, an editor takes',
  (_name, golden) => {
    expect(run(golden).problems).toEqual([]);
    expect(problemsOf(golden.input)).toEqual([]);
  },
);

describe('a file that is one part of a config', () => {
  test.each([
    '$schema: ./patchbay.schema.json',
    'upstreams: { docs: { url: https://docs.example.com/mcp } }',
    'policy:\n  - { allow: ["docs/*"] }',
    'auth: { mode: [jwt, apiKeys] }',
    'auth: { mode: jwt }',
    'auth: { jwt: [{ issuer: https://login.example.com, audience: [a, b] }] }',
    'server:',
    'profiles: { research: { include: ["docs/*"] } }',
    '{}',
  ])('%s has no problems', (text) => expect(problemsOf(text)).toEqual([]));

  test.each([
    ['auth: { mode: jwts }', '/auth/mode'],
    ['policy: { allow: [] }', '/policy'],
    ['upstreams: { docs: { uri: x } }', '/upstreams/docs'],
    ['auth: { jwt: [{}] }', '/auth/jwt/0'],
  ])('%s has one at %s', (text, place) => {
    expect(problemsOf(text).map((problem) => problem.split(' ')[0])).toContain(place);
  });
});

const nodeOf = (key: string): JsonSchema | undefined =>
  schemaAt(
    schema,
    key.split(/\.|(?=\[\])/).map((part) => (part === '[]' ? 0 : part)),
  );

test('every key that does not speak for itself has an example, which is right', () => {
  const lacking = schemaKeys().filter((key) => {
    const node = nodeOf(key);
    return node !== undefined && !speaksForItself(node) && node.examples === undefined;
  });
  expect(lacking, 'add an example to src/config/examples.ts').toEqual([]);
  const wrong = schemaKeys().flatMap((key) => {
    const [example] = (nodeOf(key)?.examples as unknown[] | undefined) ?? [];
    if (example === undefined) return [];
    const value = key
      .split(/\.|(?=\[\])/)
      .reduceRight(
        (inner: unknown, part) => (part === '[]' ? [inner] : { [part === '*' ? 'docs' : part]: inner }),
        example,
      );
    validate(value);
    const at = `/${key.replaceAll('[]', '.0').replaceAll('*', 'docs').replaceAll('.', '/')}`;
    return (validate.errors ?? []).filter(({ instancePath }) => instancePath.startsWith(at)).map(() => key);
  });
  expect(wrong).toEqual([]);
});

test('every key says what it is for, and what stands there', () => {
  // anything may stand for an argument
  const keys = schemaKeys().filter((key) => !key.endsWith('.arguments.*.value'));
  const bare = keys.filter((key) => {
    const { description, type, anyOf, $ref } = nodeOf(key) ?? {};
    return typeof description !== 'string' || (type ?? anyOf ?? $ref) === undefined;
  });
  expect(bare).toEqual([]);
});
