/**
 * `npm run soak -- --minutes 10`: a gateway under a mixed load for as long as one likes, and whether it grows.
 *
 *     --minutes n, --seconds n   how long (default 10 minutes), after the start
 *     --every n                  seconds between two lines of figures (default 10, less for a short run)
 *     --warmup n                 seconds whose figures are shown and not compared (default a tenth, at most 60)
 *     --tolerance n              times what a figure may grow (default 1); a run of seconds has settled nothing
 *
 * At the end there is a line for each figure: the median of the first third against that of the last third. Exit code 1
 * means that one grew by more than it may, or that a kind of load never went well. Ctrl-C ends it early. Linux: /proc.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { readFlags } from '../bench/flags.ts';
import { judge, type Sample, sampleLine, takeSample } from './soak/figures.ts';
import { repeat, scenes, type Tally } from './soak/load.ts';
import { type Setup, startSetup } from './soak/setup.ts';

const FEWEST = 9;

const flags = readFlags(process.argv.slice(2), {
  minutes: { type: 'number' },
  seconds: { type: 'number' },
  every: { type: 'number', min: 0.5 },
  warmup: { type: 'number' },
  tolerance: { type: 'number', default: 1 },
});
const total =
  flags.minutes === undefined && flags.seconds === undefined ? 600 : (flags.minutes ?? 0) * 60 + (flags.seconds ?? 0);
const warmup = flags.warmup ?? Math.min(60, total / 10);
const every = flags.every ?? Math.min(10, (total - warmup) / (FEWEST + 1));

const say = (line: string) => void process.stdout.write(`${line}\n`);
const over = new AbortController();
const stop = () => over.abort();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);

const setup = await startSetup();
try {
  process.exitCode = await soak(setup);
} finally {
  over.abort();
  await setup.stop();
}

async function soak(setup: Setup): Promise<number> {
  say(`Soaking ${setup.gateway.url}, process ${setup.gateway.pid}, for ${total} s, the first ${warmup} s to warm up`);
  const loads = scenes.map((scene) => repeat(scene, setup, over.signal));
  const samples = await measure(setup);
  over.abort();
  const tallies = await Promise.all(loads);
  say('');
  for (const tally of tallies) say(tallyLine(tally));
  say('');
  const verdicts = judge(samples, flags.tolerance);
  for (const { line } of verdicts) say(line);
  const grew = verdicts.some((verdict) => verdict.grew);
  const idle = tallies.some(({ passed }) => passed === 0);
  say(grew ? 'It grew.' : idle ? 'Some of the load never went well.' : 'No growth.');
  return grew || idle ? 1 : 0;
}

/** Takes samples until the time is over. @returns those after the warm-up */
async function measure({ gateway }: Setup): Promise<Sample[]> {
  const samples: Sample[] = [];
  const began = performance.now();
  const passed = () => (performance.now() - began) / 1_000;
  for (let next = every; next <= total && !over.signal.aborted; next += every) {
    await delay(Math.max(0, next - passed()) * 1_000, undefined, { signal: over.signal }).catch(() => undefined);
    if (over.signal.aborted) break;
    const sample = await takeSample(gateway.url, gateway.pid);
    say(sampleLine(passed(), sample));
    if (passed() > warmup) samples.push(sample);
  }
  return samples;
}

function tallyLine({ title, passed, failed, lastError }: Tally): string {
  const trouble = failed > 0 ? `, ${failed} failed, the last: ${lastError?.slice(0, 300)}` : '';
  return `${title.padEnd(22)} ${passed} went well${trouble}`;
}
