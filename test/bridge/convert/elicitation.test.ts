import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elicitationFor } from '../../../src/bridge/convert/elicitation.ts';
import { blank, expectSame, shuffled, spell } from './spelled.ts';

type Json = Record<string, unknown>;

const converted = (text: string, version = '2025-06-18'): string | undefined =>
  elicitationFor(version, Buffer.from(text))?.toString();
const form = (properties: string, more = ''): string =>
  `{"message":"m","requestedSchema":{"type":"object",${more}"properties":${properties}}}`;

test('fields have the names that they had, those of Object.prototype too', () => {
  const properties = '{"__proto__":{"type":"string"},"constructor":{"type":"boolean"},"default":{"type":"string"}}';
  expect(converted(form(properties, '"$schema":"https://x",'))).toBe(form(properties));
});

test('numbers stay as they are spelled', () => {
  const before = '{"n":{"type":"integer","default":1,"maximum":12345678901234567890,"minimum":1.0}}';
  const after = '{"n":{"type":"integer","maximum":12345678901234567890,"minimum":1.0}}';
  expect(converted(form(before))).toBe(form(after));
});

test('a page to visit cannot be asked of a client that knows forms alone', () => {
  expect(converted('{"mode":"url","message":"m","url":"https://x","elicitationId":"1"}')).toBeUndefined();
});

test('what is no list of titled choices stays', () => {
  const before = form('{"a":{"type":"string","oneOf":[{"const":"x"},{"pattern":"y"}]},"b":{"oneOf":true},"c":5}');
  expect(converted(before)).toBe(before);
});

test('nothing is changed where nothing is to be changed', () => {
  const plain = Buffer.from(form('{"a":{"type":"boolean","default":true}}'));
  expect(elicitationFor('2025-06-18', plain)).toBe(plain);
  const newer = Buffer.from(form('{"a":{"type":"array","default":["x"]}}', '"$schema":"https://x",'));
  expect(elicitationFor('2025-11-25', newer)).toBe(newer);
});

const choice = fc.record({ const: fc.string(), title: fc.string() }, { requiredKeys: ['const'] });
const field = shuffled(
  fc.record(
    {
      type: fc.constantFrom('string', 'string', 'number', 'integer', 'boolean', 'array'),
      title: fc.string(),
      default: fc.jsonValue(),
      oneOf: fc.array(choice, { maxLength: 3 }),
      enum: fc.array(fc.string(), { maxLength: 2 }),
      enumNames: fc.array(fc.string(), { maxLength: 2 }),
      minimum: fc.double({ noNaN: true, noDefaultInfinity: true }),
    },
    { requiredKeys: ['type'] },
  ),
);
const params = shuffled(
  fc.record(
    {
      mode: fc.constant('form'),
      message: fc.string(),
      _meta: fc.dictionary(fc.string(), fc.jsonValue()),
      requestedSchema: shuffled(
        fc.record(
          {
            $schema: fc.webUrl(),
            type: fc.constant('object'),
            required: fc.array(fc.string()),
            properties: fc.dictionary(fc.constantFrom('a', 'default', 'oneOf', '$schema', 'mode'), field),
          },
          { requiredKeys: ['type'] },
        ),
      ),
    },
    { requiredKeys: ['message'] },
  ),
).map((value) => JSON.parse(JSON.stringify(value)) as Json);

/** The same on built values. */
function olderField({ default: usual, oneOf, ...field }: Json): Json {
  const choices = oneOf as { const: string; title?: string }[] | undefined;
  return {
    ...field,
    ...(field.type === 'boolean' && usual !== undefined ? { default: usual } : {}),
    ...(choices && {
      enum: choices.map(({ const: value }) => value),
      enumNames: choices.map(({ const: value, title }) => title ?? value),
    }),
  };
}

test('forms of any shape are what they should be, and what is not touched keeps its bytes', () => {
  fc.assert(
    fc.property(params, blank, (before, between) => {
      const text = spell(before, between);
      const { mode: _, requestedSchema, ...expected } = before;
      const { $schema: _s, ...schema } = (requestedSchema ?? {}) as Json;
      const fields = Object.entries((schema.properties ?? {}) as Record<string, Json>);
      if (schema.properties) schema.properties = Object.fromEntries(fields.map(([key, f]) => [key, olderField(f)]));
      if (requestedSchema) expected.requestedSchema = schema;
      const after = converted(text);
      if (fields.some(([, { type }]) => type === 'array')) return void expect(after).toBeUndefined();
      expect(JSON.parse(after!)).toEqual(expected);
      expectSame(
        text,
        after!,
        Object.keys(expected).filter((key) => key !== 'requestedSchema'),
      );
      if (JSON.stringify(before) === JSON.stringify(expected)) expect(after).toBe(text);
    }),
    { numRuns: 500 },
  );
});
