/** The gate of the benchmarks: it lets through what costs what it did, and keeps back what has become slow. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HEADLINES, type Headline, judge, limitOf, readLimits } from '../../bench/gate.ts';
import { DEFAULT_CLI, start, startByteProxy, startUpstream } from '../../bench/targets.ts';

const PROXY = join(import.meta.dirname, '../../bench/byte-proxy.ts');
const BUSY = join(import.meta.dirname, 'busy.ts');
const OPTIONS = { rounds: 2, sets: 2, settle: 0.5, cli: DEFAULT_CLI };

/** The byte proxy against itself; one of the two may be slow. */
const proxies = (slow: boolean): Headline => ({
  calls: 500,
  spec: {
    name: 'proxies',
    load: { seconds: 1, warmup: 0, connections: 4, inFlight: 4, bytes: 200 },
    async contenders(stack) {
      const { url } = stack.use(await startUpstream());
      const args = [...(slow ? ['--import', BUSY] : []), PROXY, url];
      return [
        { name: 'given', start: () => startByteProxy(url) },
        { name: 'changed', start: () => start('changed', args) },
      ];
    },
    ratios: [['changed', 'given']],
  },
});

test('what costs the same passes', { timeout: 60_000 }, async () => {
  const verdict = await judge(proxies(false), 2.5, OPTIONS);
  expect(verdict).toMatchObject({ name: 'proxies', limit: 2.5, passed: true });
  expect(verdict.ratio).toBeGreaterThan(0.5);
});

test('what has become slow fails, after it was measured again with new processes', { timeout: 60_000 }, async () => {
  const verdict = await judge(proxies(true), 2.5, OPTIONS);
  expect(verdict).toMatchObject({ passed: false, rounds: OPTIONS.rounds * OPTIONS.sets });
  expect(verdict.ratio).toBeGreaterThan(2.5);
});

test('each headline has a limit, which lets a quarter more not pass', () => {
  const limits = readLimits();
  expect(HEADLINES.map(({ spec }) => spec.name)).toEqual(['small-call', 'result-1mb', 'list-5000']);
  for (const {
    spec: { name },
  } of HEADLINES) {
    const was = limits.ratios[name]!;
    const limit = limitOf(limits, name);
    expect(limit).toBeLessThan(1.25 * was);
    expect(limit).toBeGreaterThan(1.05 * was);
  }
  expect(() => limitOf(limits, 'other')).toThrow('no ratio for other');
});
