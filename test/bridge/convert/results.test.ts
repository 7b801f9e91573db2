import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resultFor } from '../../../src/bridge/convert/results.ts';
import { LEGACY_VERSIONS, type LegacyVersion } from '../../../src/protocol/versions.ts';
import { answer, blank, edited, expectSame, shuffled, spell } from './spelled.ts';

type Json = Record<string, unknown>;

const converted = (version: LegacyVersion, text: string, wrap = false): string => {
  const message = answer(text);
  return edited(message, resultFor(version, message, wrap));
};
const textBlock = (text: string): Json => ({ type: 'text', text });

describe('structured content without a text', () => {
  const link = { type: 'resource_link', uri: 'x://y', name: 'y' };
  const audio = { type: 'audio', data: 'AA==', mimeType: 'audio/wav' };

  test('gets one in front of a block that is itself put into words', () => {
    const before = JSON.stringify({ content: [link, audio], structuredContent: { a: 1 } });
    expect(JSON.parse(converted('2025-03-26', before))).toEqual({
      content: [textBlock('{"a":1}'), textBlock('y: x://y'), audio],
    });
    expect(JSON.parse(converted('2024-11-05', before))).toEqual({
      content: [textBlock('{"a":1}'), textBlock('y: x://y'), textBlock('[audio/wav, 1 bytes]')],
    });
  });

  test('gets content where there is none at all', () => {
    expect(converted('2025-03-26', '{"structuredContent":{"a":1},"isError":false}')).toBe(
      '{"content":[{"type":"text","text":"{\\"a\\":1}"}],"isError":false}',
    );
    expect(converted('2025-11-25', '{"structuredContent":[1]}', true)).toBe(
      '{"content":[{"type":"text","text":"[1]"}],"structuredContent":{"result":[1]}}',
    );
  });

  test('is told with its numbers as they came', () => {
    expect(converted('2025-11-25', '{"content":[],"structuredContent":12345678901234567890.0}', true)).toBe(
      '{"content":[{"type":"text","text":"12345678901234567890.0"}],"structuredContent":{"result":12345678901234567890.0}}',
    );
  });
});

test('links say what is known of them', () => {
  const said = (link: Json): unknown =>
    (JSON.parse(converted('2025-03-26', JSON.stringify({ content: [{ type: 'resource_link', ...link }] }))) as Json)
      .content;
  expect(said({ uri: 'x://y', name: 'y', title: 'T' })).toEqual([textBlock('T: x://y')]);
  expect(said({ uri: 'x://y' })).toEqual([textBlock('x://y')]);
  expect(said({ name: 'y', uri: 1 })).toEqual([textBlock('y')]);
});

test('contents of resources stay as they are', () => {
  const read = '{"contents": [{"uri":"x://y","mimeType":"audio/wav","blob":"AAAA","type":"audio"}]}';
  for (const version of LEGACY_VERSIONS) expect(converted(version, read)).toBe(read);
});

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text: fc.string() }),
  fc.record({ type: fc.constant('audio'), data: fc.base64String(), mimeType: fc.constant('audio/ogg') }),
  fc.record({ type: fc.constant('audio'), data: fc.base64String() }),
  fc.record({ type: fc.constant('resource_link'), uri: fc.webUrl(), name: fc.string(), title: fc.string() }),
  fc.record({ type: fc.constant('resource_link'), uri: fc.webUrl(), name: fc.string() }),
  fc.record({ type: fc.constant('image'), data: fc.base64String(), _meta: fc.jsonValue() }),
  fc.record({ type: fc.constant('resource'), resource: fc.record({ uri: fc.webUrl(), type: fc.constant('audio') }) }),
  fc.constant(null),
);
const shape = shuffled(
  fc.record(
    {
      content: fc.oneof(
        { weight: 5, arbitrary: fc.array(block, { maxLength: 4 }) },
        { weight: 1, arbitrary: fc.constant('odd') },
      ),
      structuredContent: fc.jsonValue(),
      messages: fc.array(fc.record({ role: fc.constant('user'), content: block })),
      isError: fc.boolean(),
      _meta: fc.dictionary(fc.string(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  ),
).map((value) => JSON.parse(JSON.stringify(value)) as Json);

/** The same on built values. */
function olderBlock(version: string, block: Json | null): unknown {
  if (block?.type === 'audio' && version < '2025-03-26')
    return textBlock(`[${block.mimeType ?? 'audio'}, ${Buffer.from(String(block.data), 'base64').length} bytes]`);
  if (block?.type === 'resource_link' && version < '2025-06-18')
    return textBlock(`${block.title ?? block.name}: ${block.uri}`);
  return block;
}
function older(version: string, before: Json, between: string, wrap: boolean): Json {
  const { content, messages, structuredContent, ...after } = before;
  const isDropped = version < '2025-06-18';
  if (Array.isArray(messages))
    after.messages = messages.map((message) => ({ ...message, content: olderBlock(version, message.content) }));
  const blocks: unknown = Array.isArray(content) ? content.map((each) => olderBlock(version, each)) : content;
  if (blocks !== undefined) after.content = blocks;
  if (structuredContent === undefined) return after;
  const told = textBlock(spell(structuredContent, between));
  if (isDropped || wrap) {
    if (blocks === undefined) after.content = [told];
    else if (Array.isArray(content) && !content.some((each) => each?.type === 'text'))
      after.content = [told, ...(blocks as unknown[])];
  }
  if (!isDropped) after.structuredContent = wrap ? { result: structuredContent } : structuredContent;
  return after;
}

test('results of any shape are what they should be, and what is not touched keeps its bytes', () => {
  fc.assert(
    fc.property(shape, blank, fc.constantFrom(...LEGACY_VERSIONS), fc.boolean(), (before, between, version, wrap) => {
      const text = spell(before, between);
      const after = converted(version, text, wrap);
      const expected = older(version, before, between, wrap);
      expect(JSON.parse(after)).toEqual(expected);
      const same = Object.keys(before).filter((key) => JSON.stringify(before[key]) === JSON.stringify(expected[key]));
      expectSame(text, after, same);
      if (JSON.stringify(before) === JSON.stringify(expected)) expect(after).toBe(text);
    }),
    { numRuns: 500 },
  );
});
