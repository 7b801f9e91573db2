/**
 * `npm run bench -- NAME [flags]` runs a benchmark; `npm run bench -- --write` copies the last results into README.md.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, toTable, writeBetweenMarkers } from './report.ts';
import * as signed from './signed-in.ts';
import * as small from './small-call.ts';

interface Benchmark {
  /** Takes flags, gives an exit code. */
  run: (argv: readonly string[]) => Promise<number>;
  resultFile: string;
}

const BENCHMARKS = new Map<string, Benchmark>([
  [small.NAME, { run: small.smallCall, resultFile: small.RESULT_FILE }],
  [signed.NAME, { run: signed.signedIn, resultFile: signed.RESULT_FILE }],
]);
const README = join(import.meta.dirname, 'README.md');

async function main([name, ...flags]: readonly string[]): Promise<number> {
  if (name === '--write') return writeReadme();
  const benchmark = BENCHMARKS.get(name ?? '');
  if (benchmark !== undefined) return benchmark.run(flags);
  console.error(`usage: npm run bench -- NAME [flags] | --write\nNAME is one of: ${[...BENCHMARKS.keys()].join(', ')}`);
  return 2;
}

function writeReadme(): number {
  for (const [name, { resultFile }] of BENCHMARKS) {
    if (!existsSync(resultFile)) throw new Error(`${resultFile} does not exist: run npm run bench -- ${name} first`);
    writeBetweenMarkers(README, name, toTable(JSON.parse(readFileSync(resultFile, 'utf8')) as Result));
  }
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
