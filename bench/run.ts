/**
 * `npm run bench -- NAME [flags]` runs a benchmark; `npm run bench -- --all` runs each of them; `npm run bench -- --write`
 * copies the last results into README.md.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { elicitation, eras, stdioCall } from './eras.ts';
import { arguments1mb, longList, notifications, result1mb, result10mb } from './payloads.ts';
import { type Result, toTable, writeBetweenMarkers } from './report.ts';
import { signedIn } from './signed-in.ts';
import { smallCall } from './small-call.ts';

const ALL = [
  ...[smallCall, signedIn, stdioCall, eras, elicitation],
  ...[result1mb, result10mb, arguments1mb, notifications, longList],
];
const BENCHMARKS = new Map<string, Benchmark>(ALL.map((one) => [one.name, one]));
const README = join(import.meta.dirname, 'README.md');

async function main([name, ...flags]: readonly string[]): Promise<number> {
  if (name === '--write') return writeReadme();
  if (name === '--all') {
    let code = 0;
    for (const one of ALL) {
      console.log(`\n## ${one.name}\n`);
      code |= await one.run(flags);
    }
    return code;
  }
  const benchmark = BENCHMARKS.get(name ?? '');
  if (benchmark !== undefined) return benchmark.run(flags);
  const names = [...BENCHMARKS.keys()].join(', ');
  console.error(`usage: npm run bench -- NAME [flags] | --all | --write\nNAME is one of: ${names}`);
  return 2;
}

function writeReadme(): number {
  for (const { name, resultFile } of ALL) {
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
