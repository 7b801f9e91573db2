/**
 * All benchmarks one after the other, and the page with their figures. One that fails is tried a second time, and does not
 * keep the others from running.
 */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL } from './all.ts';
import type { Benchmark } from './benchmark.ts';
import { untilCalm } from './calm.ts';
import { writeBetweenMarkers } from './report.ts';

const README = join(import.meta.dirname, 'README.md');
/** How long each benchmark waits for others on the machine to be done, seconds. */
const WAIT = 120;

/**
 * @param argv `--all` runs them, `--write` copies results into README.md; `--quick` runs them so short that it only shows
 *   that they work, and writes to a folder for temporary files; `--wait` seconds for the machine to be calm
 * @returns exit code 1 when one failed or is above a limit
 */
export async function runSuite(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      all: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      wait: { type: 'string', default: String(WAIT) },
    },
  });
  const { all, write, quick, wait } = values;
  if (write && quick) throw new Error('--quick does not go with --write: what it measures is no good');
  let code = 0;
  if (all || quick) code |= await runAll(quick, quick ? 0 : Number(wait));
  if (write) code |= writeReadme();
  return code;
}

async function runAll(quick: boolean, wait: number): Promise<number> {
  const outcomes: string[] = [];
  let code = 0;
  for (const one of ALL) {
    console.log(`\n## ${one.name}\n`);
    if (wait > 0) await untilCalm(wait);
    const began = performance.now();
    const flags = quick ? [...one.quick, '--json', join(tmpdir(), `patchbay-bench-${one.name}.json`)] : [];
    const outcome = await runTwice(one, flags);
    if (outcome !== 'done') code = 1;
    outcomes.push(`${one.name}: ${outcome}, ${((performance.now() - began) / 1_000).toFixed(0)} s`);
  }
  console.log(`\n## what came of it\n\n${outcomes.join('\n')}`);
  return code;
}

async function runTwice(benchmark: Benchmark, flags: readonly string[]): Promise<'done' | 'above a limit' | 'failed'> {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    try {
      return (await benchmark.run(flags)) === 0 ? 'done' : 'above a limit';
    } catch (error) {
      console.error(`${benchmark.name} failed${attempt === 1 ? ', and is tried again' : ''}:`, error);
    }
  }
  return 'failed';
}

/** Benchmarks without a result that can be shown are told; what the page says of them stays. */
function writeReadme(): number {
  let code = 0;
  for (const { name, resultFile, toMarkdown } of ALL) {
    try {
      if (!existsSync(resultFile)) throw new Error(`${resultFile} does not exist`);
      writeBetweenMarkers(README, name, toMarkdown(readFileSync(resultFile, 'utf8')));
    } catch (error) {
      console.error(`${name} stays as it is in the page, run npm run bench -- ${name}:`, error);
      code = 1;
    }
  }
  return code;
}
