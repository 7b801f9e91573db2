import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientVersion, toolFor, wrapsOutput } from '../../../src/bridge/convert/tools.ts';
import { LEGACY_VERSIONS } from '../../../src/protocol/versions.ts';
import { blank, expectSame, shuffled, spell } from './spelled.ts';

type Json = Record<string, unknown>;

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
const VERSIONS: readonly ClientVersion[] = [...LEGACY_VERSIONS, 'modern'];
const toolOf = (outputSchema: unknown): Buffer => Buffer.from(JSON.stringify({ name: 't', outputSchema }));
const wrapped = (outputSchema: unknown): Json =>
  (JSON.parse(toolFor('2025-11-25', toolOf(outputSchema)).toString()) as { outputSchema: Json }).outputSchema;
/** As clients on the official SDK judge results. */
const judge = (schema: Json) => {
  const validate = new AjvJsonSchemaValidator().getValidator(schema as never);
  return (value: unknown): boolean => validate(value).valid;
};

describe('an output schema in an object', () => {
  test.each([
    ['a list of trees', { type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: tree('#/$defs/n') } }],
    ['a tree of its own', { anyOf: [{ type: 'number' }, { type: 'array', items: { $ref: '#' } }] }],
    ['older definitions', { $ref: '#/definitions/n', definitions: { n: tree('#/definitions/n') } }],
    [
      'a property named like a reference',
      { allOf: [{ properties: { $ref: { $ref: '#/$defs/n' } } }], $defs: { n: {} } },
    ],
    ['with a URI of its own', { $id: 'https://a.b/c', items: { $ref: '#/$defs/n' }, $defs: { n: tree('#/$defs/n') } }],
    [
      'with one inside',
      { items: { $id: 'https://a.b/d', allOf: [{ $ref: '#/$defs/n' }], $defs: { n: tree('#/$defs/n') } } },
    ],
    [
      'with a dialect',
      { $schema: DIALECT, type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: tree('#/$defs/n') } },
    ],
  ])('%s: refers to what it referred to', (_, schema) => {
    const [natural, inObject] = [judge(schema), judge(wrapped(schema))];
    const values = [
      [],
      [{}],
      [{ n: [] }],
      [{ n: [{ n: 1 }] }],
      1,
      [[1]],
      [['x']],
      {},
      { n: 1 },
      { $ref: 1 },
      'x',
      null,
    ];
    for (const value of values) expect([value, inObject({ result: value })]).toEqual([value, natural(value)]);
    expect(inObject({})).toBe(false);
  });

  function tree(itself: string): Json {
    return { type: 'object', properties: { n: { type: 'array', items: { $ref: itself } } } };
  }

  test('names its dialect at its root', () => {
    expect(wrapped({ $schema: DIALECT, type: 'array' })).toEqual({
      $schema: DIALECT,
      type: 'object',
      properties: { result: { type: 'array' } },
      required: ['result'],
    });
    const own = { $schema: DIALECT, $id: 'https://a.b/c', type: 'array' };
    expect(wrapped(own)).toMatchObject({ $schema: DIALECT, properties: { result: own } });
  });

  test('leaves what is data, other documents and anchors alone', () => {
    const schema = {
      default: { $ref: '#/a' },
      enum: [{ $ref: '#' }],
      anyOf: [{ $ref: 'https://a.b/c#/d' }, { $ref: '#anchor' }, { $ref: { $ref: 1 } }],
    };
    expect(wrapped(schema).properties).toEqual({ result: schema });
  });

  test('may be true', () => {
    expect(wrapped(true)).toEqual({ type: 'object', properties: { result: true }, required: ['result'] });
  });
});

/** Schemas of any shape, with references that change and some that do not. */
const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.boolean(),
    shuffled(
      fc.record(
        {
          type: fc.constantFrom('object', 'object', 'array', ['object']),
          $schema: fc.constant(DIALECT),
          $id: fc.constantFrom('https://a.b/c', '#anchor'),
          $ref: fc.constantFrom('#', '#/$defs/a', '#anchor', 'https://a.b', 5),
          $dynamicRef: fc.constantFrom('#', '#/$defs/a', '#anchor'),
          properties: fc.dictionary(fc.constantFrom('$ref', 'a', '$id', 'default'), tie('schema'), { maxKeys: 2 }),
          $defs: fc.dictionary(fc.constantFrom('a', 'properties'), tie('schema'), { maxKeys: 2 }),
          items: tie('schema'),
          oneOf: fc.array(tie('schema'), { maxLength: 2 }),
          default: fc.constantFrom({ $ref: '#' }, { $schema: 1 }),
        },
        { requiredKeys: [] },
      ),
    ),
  ),
}));

/** The references of a built schema, after it was put into an object. */
function moved(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(moved);
  if (typeof schema !== 'object' || schema === null) return schema;
  const own = schema as Json;
  if (typeof own.$id === 'string' && !own.$id.startsWith('#')) return schema;
  const reference = (target: unknown): unknown =>
    target === '#' || String(target).startsWith('#/') ? `#/properties/result${String(target).slice(1)}` : target;
  const named = (map: unknown): Json =>
    Object.fromEntries(Object.entries(map as Json).map(([key, each]) => [key, moved(each)]));
  const by: Record<string, (value: unknown) => unknown> = {
    $ref: reference,
    $dynamicRef: reference,
    properties: named,
    $defs: named,
    items: moved,
    oneOf: moved,
  };
  return Object.fromEntries(Object.entries(own).map(([key, value]) => [key, by[key]?.(value) ?? value]));
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

test('tools of any shape are what they should be, and what is not touched keeps its bytes', () => {
  const tool = shuffled(
    fc.record(
      {
        name: fc.constant('t'),
        execution: fc.constantFrom({ taskSupport: 'optional' }, { outputSchema: 1 }),
        outputSchema: schema,
        inputSchema: fc.constantFrom({ type: 'object', properties: { execution: {}, outputSchema: {} } }, true),
        _meta: fc.jsonValue(),
      },
      { requiredKeys: ['name'] },
    ),
  ).map((value) => JSON.parse(JSON.stringify(value)) as Json);
  fc.assert(
    fc.property(tool, blank, fc.constantFrom(...VERSIONS), (before, between, version) => {
      const text = spell(before, between);
      const bytes = Buffer.from(text);
      const { execution, outputSchema, ...expected } = before;
      const wraps =
        Object.hasOwn(before, 'outputSchema') && !(isObject(outputSchema) && outputSchema.type === 'object');
      if (execution && version === '2025-11-25') expected.execution = execution;
      if (outputSchema !== undefined && (version === 'modern' || version >= '2025-06-18')) {
        const isBase = isObject(outputSchema) && typeof outputSchema.$id === 'string' && outputSchema.$id[0] !== '#';
        const { $schema, ...inside } = isObject(outputSchema) ? outputSchema : {};
        const result = isObject(outputSchema) && !isBase ? moved(inside) : outputSchema;
        expected.outputSchema =
          wraps && version !== 'modern'
            ? { ...($schema ? { $schema } : {}), type: 'object', properties: { result }, required: ['result'] }
            : outputSchema;
      }
      const after = toolFor(version, bytes);
      expect(JSON.parse(after.toString())).toEqual(expected);
      expect(wrapsOutput(bytes)).toBe(wraps);
      const same = Object.keys(expected).filter((key) => key !== 'outputSchema');
      expectSame(text, after.toString(), same);
      if (Object.keys(before).every((key) => JSON.stringify(before[key]) === JSON.stringify(expected[key])))
        expect(after).toBe(bytes);
    }),
    { numRuns: 1000 },
  );
});

test('what has nothing to change is not read', () => {
  const broken = Buffer.from('{"name": no JSON');
  for (const version of VERSIONS) expect(toolFor(version, broken)).toBe(broken);
  expect(wrapsOutput(broken)).toBe(false);
});
