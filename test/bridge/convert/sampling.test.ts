import fc from 'fast-check';
import { expect, test } from 'vitest';
import { samplingFor } from '../../../src/bridge/convert/sampling.ts';
import { blank, expectSame, shuffled, spell } from './spelled.ts';

type Json = Record<string, unknown>;

const converted = (text: string, version = '2025-06-18'): string | undefined =>
  samplingFor(version, Buffer.from(text))?.toString();

test('a message of several blocks becomes several, each with all else that the message says', () => {
  expect(
    converted(
      '{"messages":[{"role":"user","content":[{"n":1.0},{"n":2e0}],"_meta":{"id":12345678901234567890}}],"temperature":0.70}',
    ),
  ).toBe(
    '{"messages":[{"role":"user","content":{"n":1.0},"_meta":{"id":12345678901234567890}},{"role":"user","content":{"n":2e0},"_meta":{"id":12345678901234567890}}],"temperature":0.70}',
  );
});

test('a message that says nothing is none', () => {
  expect(converted('{"messages":[{"role":"user","content":[]},{"role":"user","content":{}}]}')).toBe(
    '{"messages":[{"role":"user","content":{}}]}',
  );
  expect(converted('{"messages":[ {"role":"user","content":[]} ]}')).toBe('{"messages":[  ]}');
});

test('nothing is changed where nothing is to be changed', () => {
  const plain = Buffer.from('{"messages":[{"role":"user","content":{"type":"audio","data":"AAAA"}},5]}');
  expect(samplingFor('2025-06-18', plain)).toBe(plain);
  const newer = Buffer.from('{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}');
  expect(samplingFor('2025-11-25', newer)).toBe(newer);
  for (const odd of ['{}', '{"messages":5}', '{"messages":[{"content":"text"}]}']) expect(converted(odd)).toBe(odd);
});

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text: fc.string() }),
  fc.record({ type: fc.constant('audio'), data: fc.base64String(), mimeType: fc.constant('audio/ogg') }),
  fc.record({ type: fc.constant('image'), data: fc.base64String() }),
);
const ofTools = fc.record({ type: fc.constantFrom('tool_use', 'tool_result'), id: fc.string() });
const content = (each: fc.Arbitrary<unknown>) => fc.oneof(each, fc.array(each, { maxLength: 3 }));
const params = shuffled(
  fc.record(
    {
      messages: fc.array(
        shuffled(
          fc.record(
            {
              role: fc.constantFrom('user', 'assistant'),
              content: fc.oneof(
                { weight: 12, arbitrary: content(block) },
                { weight: 1, arbitrary: content(fc.oneof(block, ofTools)) },
              ),
              _meta: fc.jsonValue(),
            },
            { requiredKeys: ['role', 'content'] },
          ),
        ),
        { maxLength: 4 },
      ),
      maxTokens: fc.nat(),
      metadata: fc.jsonValue(),
    },
    { requiredKeys: ['messages'] },
  ),
).map((value) => JSON.parse(JSON.stringify(value)) as Json);

test('requests of any shape are what they should be, and what is not touched keeps its bytes', () => {
  fc.assert(
    fc.property(
      params,
      blank,
      fc.constantFrom('2024-11-05', '2025-03-26', '2025-06-18'),
      (before, between, version) => {
        const text = spell(before, between);
        const after = converted(text, version);
        const split = (before.messages as Json[]).flatMap((message) =>
          [message.content].flat().map((block) => ({ ...message, content: block as Json })),
        );
        if (split.some(({ content: { type } }) => String(type).startsWith('tool_')))
          return void expect(after).toBeUndefined();
        const messages = split.map((message) => {
          const { type, data, mimeType } = message.content;
          if (type !== 'audio' || version > '2024-11-05') return message;
          const size = Buffer.from(String(data), 'base64').length;
          return { ...message, content: { type: 'text', text: `[${mimeType}, ${size} bytes]` } };
        });
        const expected = { ...before, messages };
        expect(JSON.parse(after!)).toEqual(expected);
        expectSame(
          text,
          after!,
          Object.keys(before).filter((key) => key !== 'messages'),
        );
        if (JSON.stringify(before) === JSON.stringify(expected)) expect(after).toBe(text);
      },
    ),
    { numRuns: 500 },
  );
});
