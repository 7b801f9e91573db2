/** Items as clients are to see them: what is edited, and that all the rest stays as it is. */
import { describe, expect, test } from 'vitest';
import { applyEdits } from '../../src/protocol/json/edit.ts';
import { type ItemTexts, promptEdits, resourceEdits, toolEdits } from '../../src/protocol/shaped-item.ts';

const texts = (some: Partial<ItemTexts>): ItemTexts => ({
  title: undefined,
  description: undefined,
  hidden: new Set(),
  descriptions: new Map(),
  ...some,
});

const shaped = (edits: typeof toolEdits, item: string, some: Partial<ItemTexts>) => {
  const raw = Buffer.from(item);
  const found = edits(raw, texts(some));
  return { text: applyEdits(raw, found.edits).toString('utf8'), unknown: found.unknown };
};

describe('a title and a description', () => {
  test.each([
    ['are added', '{"name":"a"}', '{"title":"T","description":"D \\"x\\"","name":"a"}'],
    [
      'take the place of its own',
      '{"title":"t","name":"a","description":"d"}',
      '{"title":"T","name":"a","description":"D \\"x\\""}',
    ],
  ])('%s', (_, before, after) => {
    const some = { title: 'T', description: 'D "x"' };
    expect(shaped(resourceEdits, before, some).text).toBe(after);
    expect(shaped(promptEdits, before, some).text).toBe(after);
    expect(shaped(toolEdits, before, some).text).toBe(after);
  });

  test('the title in annotations of a tool is the same', () => {
    const { text } = shaped(toolEdits, '{"name":"a","annotations":{"title":"old","readOnlyHint":true}}', {
      title: 'new',
    });
    expect(JSON.parse(text)).toEqual({ name: 'a', title: 'new', annotations: { title: 'new', readOnlyHint: true } });
  });
});

describe('arguments of a tool that are hidden', () => {
  const hide = (schema: object, ...names: string[]) => {
    const { text, unknown } = shaped(toolEdits, JSON.stringify({ name: 'a', inputSchema: schema }), {
      hidden: new Set(names),
    });
    return { schema: (JSON.parse(text) as { inputSchema: unknown }).inputSchema, unknown };
  };

  test('leave properties and required, wherever these are about the same object', () => {
    const part = { properties: { owner: { const: 'x' }, q: {} }, required: ['owner', 'q'] };
    const found = hide(
      {
        type: 'object',
        properties: { owner: { type: 'string' }, repo: { properties: { owner: {} }, required: ['owner'] }, q: {} },
        required: ['repo', 'owner', 'q', 'owner'],
        dependentRequired: { owner: ['q'], q: ['owner', 'repo'] },
        dependentSchemas: { owner: {}, q: {} },
        anyOf: [part, { required: ['owner'] }],
        allOf: [true],
        additionalProperties: false,
      },
      'owner',
    );
    expect(found.unknown).toEqual([]);
    expect(found.schema).toEqual({
      type: 'object',
      properties: { repo: { properties: { owner: {} }, required: ['owner'] }, q: {} },
      required: ['repo', 'q'],
      dependentRequired: { q: ['repo'] },
      dependentSchemas: { q: {} },
      anyOf: [{ properties: { q: {} }, required: ['q'] }, {}],
      allOf: [true],
      additionalProperties: false,
    });
  });

  test('leave no empty list of what is required', () => {
    const schema = { type: 'object', properties: { a: {}, b: {} }, required: ['b', 'a'] };
    expect(hide(schema, 'a', 'b').schema).toEqual({ type: 'object', properties: {} });
  });

  test('are told of when the tool has none of this name, also where its schema is none', () => {
    expect(hide({ type: 'object', properties: { a: {} } }, 'a', 'b').unknown).toEqual(['b']);
    expect(shaped(toolEdits, '{"name":"a","inputSchema":true}', { hidden: new Set(['x']) }).unknown).toEqual(['x']);
  });

  test('others stay byte for byte, with other descriptions where there are such', () => {
    const before = '{"name":"a","inputSchema":{"properties":{ "a" : {"type":"string"},"b":{"minimum":1.0} }}}';
    const { text } = shaped(toolEdits, before, { hidden: new Set(['a']), descriptions: new Map([['b', 'B']]) });
    expect(text).toBe('{"name":"a","inputSchema":{"properties":{ "b":{"description":"B","minimum":1.0} }}}');
  });
});

test('arguments of a prompt', () => {
  const before =
    '{"name":"p","arguments":[{"name":"a","required":true},{"name":"b","description":"old"},{"name":"c"}]}';
  const some = { hidden: new Set(['a', 'c', 'z']), descriptions: new Map([['b', 'new']]) };
  const { text, unknown } = shaped(promptEdits, before, some);
  expect(text).toBe('{"name":"p","arguments":[{"name":"b","description":"new"}]}');
  expect(unknown).toEqual(['z']);
});
