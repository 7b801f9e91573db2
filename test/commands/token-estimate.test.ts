/** The estimate of tokens against counts of a real tokenizer, which tokens.json names. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { estimateTokens } from '../../src/commands/token-estimate.ts';

interface Counted {
  readonly text: string;
  readonly tokens: number;
}

const { tools, texts } = JSON.parse(readFileSync(new URL('./tokens.json', import.meta.url), 'utf8')) as {
  tools: readonly Counted[];
  texts: readonly Counted[];
};
const off = (list: readonly Counted[]): number =>
  list.reduce((sum, { text }) => sum + estimateTokens(text), 0) / list.reduce((sum, { tokens }) => sum + tokens, 0) - 1;

test('a list of tools is off by less than a tenth', () => {
  expect(tools.length).toBeGreaterThan(30);
  expect(Math.abs(off(tools))).toBeLessThan(0.1);
});

describe('one text is off by less than a fifth', () => {
  test.each([...tools, ...texts].map((one) => [one.text.slice(0, 40), one] as const))('%s', (_, counted) => {
    expect(Math.abs(off([counted]))).toBeLessThan(0.2);
  });
});

test('nothing is no token', () => {
  expect(estimateTokens('')).toBe(0);
});
