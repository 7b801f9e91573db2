/** Content and schemas for clients of other versions than the one they were made for. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addModern, stripModern, withoutRelatedTask } from '../../src/bridge/convert/eras.ts';
import { requestFor } from '../../src/bridge/convert/requests.ts';
import { resultFor } from '../../src/bridge/convert/results.ts';
import { toolFor, wrapsOutput } from '../../src/bridge/convert/tools.ts';
import { messageBytes, readMessage } from '../../src/protocol/message.ts';
import type { LegacyVersion } from '../../src/protocol/versions.ts';

const K = 'io.modelcontextprotocol';
const SERVER = '{"name":"gateway"}';
const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const response = (result: unknown) => readMessage(bytesOf({ jsonrpc: '2.0', id: 1, result }));
const resultOf = (bytes: Buffer): unknown => (JSON.parse(bytes.toString()) as { result: unknown }).result;

/** Results of any shape, with the members that matter now and then. */
const result = fc
  .record(
    {
      resultType: fc.constantFrom('complete', 'task'),
      ttlMs: fc.nat(),
      cacheScope: fc.constantFrom('public', 'private'),
      _meta: fc.oneof(
        fc.dictionary(
          fc.constantFrom(`${K}/serverInfo`, `${K}/subscriptionId`, `${K}/related-task`, 'own'),
          fc.jsonValue(),
        ),
        fc.constant(5),
      ),
      content: fc.jsonValue(),
      other: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

describe('results for the other era', () => {
  test('#132 lose what only modern clients know, and nothing else', () => {
    fc.assert(
      fc.property(result, (before) => {
        const message = response(before);
        const { resultType: _r, ttlMs: _t, cacheScope: _c, _meta, ...expected } = before;
        if (typeof _meta === 'object' && _meta !== null) {
          const { [`${K}/serverInfo`]: _i, [`${K}/subscriptionId`]: _s, ...meta } = _meta as Record<string, unknown>;
          if (Object.keys(meta).length > 0 || Object.keys(_meta).length === 0) Object.assign(expected, { _meta: meta });
        } else if (_meta !== undefined) Object.assign(expected, { _meta });
        expect(resultOf(messageBytes(message, stripModern(message)))).toEqual(expected);
      }),
    );
  });

  test('#91 get what every modern result has', () => {
    fc.assert(
      fc.property(result, fc.boolean(), (before, cached) => {
        const message = response(before);
        const cache = cached ? ({ ttlMs: 7, cacheScope: 'private' } as const) : undefined;
        const { [`${K}/related-task`]: _t, ...meta } = (
          typeof before._meta === 'object' && before._meta !== null ? before._meta : {}
        ) as Record<string, unknown>;
        const expected = {
          resultType: 'complete',
          ...before,
          ...cache,
          _meta: { ...meta, [`${K}/serverInfo`]: { name: 'gateway' } },
        };
        const spelled = messageBytes(message, addModern(message, { resultType: 'complete', server: SERVER, cache }));
        expect(resultOf(spelled)).toEqual(expected);
      }),
    );
  });

  test('do not tell which task of its upstream they are of', () => {
    const message = response({ content: [], _meta: { [`${K}/related-task`]: { taskId: 'x' }, own: 1 } });
    expect(resultOf(messageBytes(message, withoutRelatedTask(message)))).toEqual({ content: [], _meta: { own: 1 } });
  });
});

describe('tools', () => {
  const tool = (members: object): Buffer => bytesOf({ name: 't', inputSchema: { type: 'object' }, ...members });
  const object = tool({ outputSchema: { type: 'object', properties: {} } });
  const list = tool({ outputSchema: { type: 'array', items: {} }, execution: { taskSupport: 'optional' } });

  test('stay the same bytes where nothing is to be changed', () => {
    for (const version of ['2025-06-18', '2025-11-25', 'modern'] as const)
      expect(toolFor(version, object)).toBe(object);
    expect(toolFor('modern', tool({}))).toEqual(tool({}));
  });

  test('tell of tasks in 2025-11-25 alone', () => {
    const at = (version: Parameters<typeof toolFor>[0]) =>
      Object.hasOwn(JSON.parse(toolFor(version, list).toString()), 'execution');
    expect([at('2025-06-18'), at('2025-11-25'), at('modern')]).toEqual([false, true, false]);
  });

  test('have results that are objects in legacy versions, and none in those without', () => {
    const schemaAt = (version: Parameters<typeof toolFor>[0], from: Buffer): unknown =>
      (JSON.parse(toolFor(version, from).toString()) as { outputSchema?: unknown }).outputSchema;
    const wrapped = { type: 'object', properties: { result: { type: 'array', items: {} } }, required: ['result'] };
    expect(schemaAt('2025-11-25', list)).toEqual(wrapped);
    expect(schemaAt('2025-06-18', list)).toEqual(wrapped);
    expect(schemaAt('2025-03-26', list)).toBeUndefined();
    expect(schemaAt('2024-11-05', object)).toBeUndefined();
    expect(schemaAt('modern', list)).toEqual({ type: 'array', items: {} });
    expect([wrapsOutput(list), wrapsOutput(object), wrapsOutput(tool({}))]).toEqual([true, false, false]);
  });
});

describe('results for older versions', () => {
  const converted = (version: LegacyVersion, before: object, wrap = false): unknown => {
    const message = response(before);
    return resultOf(messageBytes(message, resultFor(version, message, wrap)));
  };
  const audio = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' };
  const link = { type: 'resource_link', uri: 'x://y', name: 'y', title: 'The Y' };
  const text = (value: string) => ({ type: 'text', text: value });

  test.each([
    ['2024-11-05', [text('[audio/wav, 3 bytes]'), text('The Y: x://y')]],
    ['2025-03-26', [audio, text('The Y: x://y')]],
    ['2025-06-18', [audio, link]],
    ['2025-11-25', [audio, link]],
  ] as const)('%s: blocks that came later are put into words', (version, content) => {
    expect(converted(version, { content: [audio, link] })).toEqual({ content });
    const messages = (blocks: readonly object[]) => blocks.map((block) => ({ role: 'user', content: block }));
    expect(converted(version, { messages: messages([audio, link]) })).toEqual({ messages: messages(content) });
  });

  test('structured content goes into an object, or out, and is there as text', () => {
    const before = { content: [], structuredContent: [1, 2], more: 1 };
    expect(converted('2025-11-25', before)).toEqual(before);
    expect(converted('2025-11-25', before, true)).toEqual({
      ...before,
      content: [text('[1,2]')],
      structuredContent: { result: [1, 2] },
    });
    expect(converted('2025-03-26', before)).toEqual({ content: [text('[1,2]')], more: 1 });
    const told = { content: [text('one, two')], structuredContent: { a: 1 } };
    expect(converted('2025-03-26', told)).toEqual({ content: [text('one, two')] });
  });
});

describe('requests for older versions', () => {
  const asked = (version: string, method: string, params: object): unknown => {
    const request = requestFor(version, { method, params: bytesOf(params) });
    return request && JSON.parse(request.params!.toString());
  };
  const form = (properties: object) => ({ message: 'm', requestedSchema: { type: 'object', properties } });

  test('the same bytes for the newest', () => {
    const request = { method: 'elicitation/create', params: bytesOf(form({ a: { type: 'array' } })) };
    expect(requestFor('2025-11-25', request)).toBe(request);
  });

  test('titled choices get names, defaults but those of booleans go', () => {
    const before = {
      mode: 'form',
      ...form({
        a: { type: 'string', oneOf: [{ const: 'x', title: 'X' }, { const: 'y' }], default: 'x' },
        b: { type: 'boolean', default: true },
        c: { type: 'number', default: 1, minimum: 0 },
      }),
    };
    expect(asked('2025-06-18', 'elicitation/create', before)).toEqual(
      form({
        a: { type: 'string', enum: ['x', 'y'], enumNames: ['X', 'y'] },
        b: { type: 'boolean', default: true },
        c: { type: 'number', minimum: 0 },
      }),
    );
  });

  test('a choice of several cannot be asked', () => {
    const several = { type: 'array', items: { type: 'string', enum: ['x'] } };
    expect(asked('2025-06-18', 'elicitation/create', form({ a: several }))).toBeUndefined();
  });

  test('messages of several blocks become several, and tools are not known', () => {
    const block = (text: string) => ({ type: 'text', text });
    const before = { messages: [{ role: 'user', content: [block('a'), block('b')] }], maxTokens: 1 };
    expect(asked('2025-06-18', 'sampling/createMessage', before)).toEqual({
      messages: [
        { role: 'user', content: block('a') },
        { role: 'user', content: block('b') },
      ],
      maxTokens: 1,
    });
    const tools = { messages: [{ role: 'assistant', content: { type: 'tool_use', id: '1', name: 'n', input: {} } }] };
    expect(asked('2025-06-18', 'sampling/createMessage', tools)).toBeUndefined();
  });
});
