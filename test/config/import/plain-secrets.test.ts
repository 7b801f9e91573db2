/** Secrets that are written out where apps have them: in values, arguments, URLs and JSON texts. */
import { expect, test } from 'vitest';
import { type PlainSecret, secretsInArgument, secretsInValue } from '../../../src/config/import/plain-secrets.ts';

const told = (text: string, found: readonly PlainSecret[]): string[] =>
  found.map(({ name, start, end }) => `${name}=${text.slice(start, end)}`);

test.each([
  ['API_KEY', 'abcdefgh', ['API_KEY=abcdefgh']],
  ['Authorization', 'Bearer ntn_123', ['Authorization=ntn_123']],
  ['HEADERS', '{"Authorization": "Bearer ntn_123", "Notion-Version": "2022-06-28"}', ['Authorization=ntn_123']],
  ['HEADERS', ' {"a":{"X-Api-Key":"k-123456"},"plain":"text"}', ['X-Api-Key=k-123456']],
  ['URL', 'https://ada:pass@example.com/?token=t0ken&q=1', ['URL_PASSWORD=pass', 'token=t0ken']],
  ['URL', 'https://example.com/s/MmI0Yzk4NTAtYjU3Mi00ZjQ1LTk3Zg12/mcp', ['URL_KEY=MmI0Yzk4NTAtYjU3Mi00ZjQ1LTk3Zg12']],
  ['URL', 'https://example.com/ghp_123/mcp?q=1', ['URL_KEY=ghp_123']],
  ['URL', 'https://example.com/v3/mcp/0b6e2ee0-64ad-4a3f-9a3c-0d6f5b3a1c11/a-long-name-of-words-that-is-a-path', []],
  ['NAME', 'ada', []],
])('in %s: %s', (name, value, expected) => expect(told(value, secretsInValue(name, value))).toEqual(expected));

test.each([
  ['--api-key=abcdefgh', ['api-key=abcdefgh']],
  ['--header=Authorization: Bearer ntn_123', ['Authorization=ntn_123']],
  ['Authorization: Bearer ntn_123', ['Authorization=ntn_123']],
  ['--verbose=true', []],
])('in the argument %s', (value, expected) => expect(told(value, secretsInArgument(value))).toEqual(expected));
