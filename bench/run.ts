/**
 * `npm run bench -- NAME [flags]` runs a benchmark; `npm run bench -- --all` runs each of them; `npm run bench -- --write`
 * copies the last results into README.md; suite.ts has the flags of these. `npm run bench -- gate` is for continuous
 * integration (gate.ts).
 */
import { ALL } from './all.ts';
import { runGate } from './gate.ts';
import { runSuite } from './suite.ts';

async function main([name = '', ...flags]: readonly string[]): Promise<number> {
  if (name === 'gate') return runGate(flags);
  if (name.startsWith('--')) return runSuite([name, ...flags]);
  const benchmark = ALL.find((one) => one.name === name);
  if (benchmark !== undefined) return benchmark.run(flags);
  const names = ALL.map((one) => one.name).join(', ');
  console.error(`usage: npm run bench -- NAME [flags] | gate | --all [--write] | --write\nNAME is one of: ${names}`);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
