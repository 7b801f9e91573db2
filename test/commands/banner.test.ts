import { expect, test } from 'vitest';
import { banner } from '../../src/commands/banner.ts';

test('names the URL, and those of profiles below it', () => {
  const url = 'http://127.0.0.1:8080/mcp';
  const lines = banner(url, ['docs'], [], [`${url}/research`, `${url}/ops`]).split('\n');
  const [first = ''] = lines.filter((line) => line.includes('Paste this URL'));
  expect(first).toBe('  Paste this URL into your host:  http://127.0.0.1:8080/mcp');
  const others = lines.slice(lines.indexOf(first) + 1, lines.indexOf(first) + 3);
  expect(others.map((line) => line.slice(first.indexOf('http')))).toEqual([`${url}/research`, `${url}/ops`]);
});
