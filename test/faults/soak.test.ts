/** `npm run soak`: a short run of it, and what it makes of figures. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FigureName, judge, MEASURES, type Sample } from '../../scripts/soak/figures.ts';
import { scenes } from '../../scripts/soak/load.ts';
import { run } from '../e2e/cli-process.ts';
import { expectNoneMarked } from '../e2e/processes.ts';

const LONG_MS = 120_000;

test(
  'a run of seconds plays every scene, shows figures, judges each and leaves nothing running',
  async () => {
    const mark = await mkdtemp(join(tmpdir(), 'patchbay-soak-'));
    // nothing is settled after seconds, so figures may grow by far more than in a long run
    const args = ['--seconds', '15', '--tolerance', '20'];
    const soak = { script: join('scripts', 'soak.ts'), env: { TMPDIR: mark }, limit: LONG_MS };
    const { code, stdout, stderr } = await run(args, soak);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const samples = stdout.match(
      /^ +\d+ s {2}RSS [1-9][\d.]* MiB {2}heap [1-9][\d.]* MiB {2}sockets [1-9]\d* {2}children [1-9]\d* {2}timers \d+ {2}handles [1-9]\d* {2}delay [\d.]+ ms {2}delay p99 [\d.]+ ms$/gm,
    );
    expect(samples?.length, stdout).toBeGreaterThanOrEqual(9);
    for (const { title } of scenes) expect(stdout).toMatch(new RegExp(`^${title} +[1-9]\\d* went well`, 'm'));
    expect(stdout.match(/^steady {2}\S.* → .* \(at most .*\)$/gm), stdout).toHaveLength(Object.keys(MEASURES).length);
    expect(stdout).toMatch(/\nNo growth\.\n$/);
    await expectNoneMarked(mark);
    await rm(mark, { recursive: true, force: true });
  },
  LONG_MS + 20_000,
);

test('an unknown flag is refused by its name', async () => {
  const script = join('scripts', 'soak.ts');
  expect(await run(['--minuts', '1'], { script })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--minuts'),
  });
});

const NAMES = Object.keys(MEASURES) as FigureName[];
const FLAT = Object.fromEntries(NAMES.map((name) => [name, 100])) as Record<FigureName, number>;
const flat = (count: number): Sample[] => Array.from({ length: count }, () => FLAT);
const grown = (samples: readonly Sample[], tolerance = 1): string[] =>
  NAMES.filter((_, i) => judge(samples, tolerance)[i]!.grew);

test.each(NAMES)('%s that grows all the time is told, and no other figure', (name) => {
  const growing = flat(30).map((sample, i) => ({ ...sample, [name]: 100 + 20 * i }));
  expect(grown(growing)).toEqual([name]);
  expect(grown(growing.toReversed())).toEqual([]);
  expect(grown(growing, 100)).toEqual([]);
});

test('single peaks are no growth', () => {
  const peaks = flat(30).map((sample, i) => ({ ...sample, ...(i % 7 === 6 ? { heap: 1_000, sockets: 900 } : {}) }));
  expect(grown(peaks)).toEqual([]);
  expect(judge(flat(3), 1).map(({ line }) => line)).toContain('steady  sockets    100 → 100 (at most 125)');
});

test('two samples are too few to compare', () => {
  expect(() => judge(flat(2), 1)).toThrow('2 samples are too few');
});
