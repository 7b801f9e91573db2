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
  ['NAME', 'ada', []],
])('in %s: %s', (name, value, expected) => expect(told(value, secretsInValue(name, value))).toEqual(expected));

test.each([
  ['--api-key=abcdefgh', ['api-key=abcdefgh']],
  ['--header=Authorization: Bearer ntn_123', ['Authorization=ntn_123']],
  ['Authorization: Bearer ntn_123', ['Authorization=ntn_123']],
  ['--verbose=true', []],
])('in the argument %s', (value, expected) => expect(told(value, secretsInArgument(value))).toEqual(expected));
