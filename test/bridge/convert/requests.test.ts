import { expect, test } from 'vitest';
import { requestFor } from '../../../src/bridge/convert/requests.ts';

const request = (method: string, params?: string) => ({ method, params: params ? Buffer.from(params) : undefined });

test('requests of other methods, and those without params, are the same', () => {
  for (const same of [
    request('roots/list', '{"mode":"url"}'),
    request('elicitation/create'),
    request('sampling/createMessage', '[]'),
    request('constructor', '{}'),
  ])
    expect(requestFor('2025-06-18', same)).toBe(same);
});

test('each method has its own rules', () => {
  const both = '{"mode":"form","messages":[{"content":[{"a":1}]}]}';
  const after = (method: string) => requestFor('2025-06-18', request(method, both))?.params?.toString();
  expect(after('elicitation/create')).toBe('{"messages":[{"content":[{"a":1}]}]}');
  expect(after('sampling/createMessage')).toBe('{"mode":"form","messages":[{"content":{"a":1}}]}');
  const unaskable = request('elicitation/create', '{"mode":"url","url":"https://x"}');
  expect(requestFor('2025-06-18', unaskable)).toBeUndefined();
});
