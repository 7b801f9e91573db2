/**
 * Benchmark `small-call`: what one small `tools/call` over Streamable HTTP costs Patchbay, against the byte proxy.
 * Rounds run the two in turn, A B, B A, A B …, so that a slow spell of the machine does not fall on one of them alone.
 * Every round starts its targets afresh: compiled code and heap layout differ from process to process.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFlags } from './flags.ts';
import { environment, type Result, toJson, toRatio, toRow, toTable } from './report.ts';
import { DEFAULT_CLI, startByteProxy, startPatchbay, startUpstream, type Target } from './targets.ts';
import { type Load, measureWindow, type Window } from './windows.ts';

export const NAME = 'small-call';
export const RESULT_FILE = join(import.meta.dirname, 'results', `${NAME}.json`);

/**
 * Runs the benchmark, prints its table and writes its result.
 *
 * @param argv flags; `bench/README.md` lists them
 * @returns exit code: 0, or 1 when `--max-ratio` is exceeded
 * @throws {Error} when a target does not start or answers wrongly
 */
export async function smallCall(argv: readonly string[]): Promise<number> {
  const flags = readFlags(argv, {
    rounds: { type: 'count', default: 3, min: 1 },
    seconds: { type: 'number', default: 5, min: 0.1 },
    warmup: { type: 'number', default: 2 },
    connections: { type: 'count', default: 16, min: 1 },
    'in-flight': { type: 'count', min: 1 },
    bytes: { type: 'count', default: 200 },
    json: { type: 'text', default: RESULT_FILE },
    'max-ratio': { type: 'number' },
    cli: { type: 'text', default: DEFAULT_CLI },
  });
  const { rounds, seconds, warmup, connections, bytes } = flags;
  const load: Load = { seconds, warmup, connections, inFlight: flags['in-flight'] ?? connections * 2, bytes };

  const result = await measure(rounds, load, flags.cli);
  console.log(`\n${toTable(result)}`);
  mkdirSync(dirname(flags.json), { recursive: true });
  writeFileSync(flags.json, toJson(result));

  const limit = flags['max-ratio'];
  if (limit === undefined || result.ratio.median <= limit) return 0;
  console.error(`\nThe ratio ${result.ratio.median.toFixed(2)} is above the limit ${limit}.`);
  return 1;
}

async function measure(rounds: number, load: Load, cli: string): Promise<Result> {
  await using upstream = await startUpstream();
  const direct = [await measureAndSay('direct', upstream, load)];
  const byteProxy: Window[] = [];
  const patchbay: Window[] = [];
  const runByteProxy = async (): Promise<void> => {
    await using target = await startByteProxy(upstream.url);
    byteProxy.push(await measureAndSay(target.name, target, load));
  };
  const runPatchbay = async (): Promise<void> => {
    await using target = await startPatchbay(upstream.url, cli);
    patchbay.push(await measureAndSay(target.name, target, load));
  };
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? [runByteProxy, runPatchbay] : [runPatchbay, runByteProxy];
    for (const run of order) await run();
  }
  const baseline = toRow('byte proxy', byteProxy);
  const subject = toRow('Patchbay', patchbay);
  return {
    benchmark: NAME,
    environment: environment(),
    settings: { rounds, ...load },
    rows: [toRow('direct to the upstream', direct), baseline, subject],
    ratio: toRatio(subject, baseline),
  };
}

/** Measures a target and prints a line, so that a long run shows where it is. */
async function measureAndSay(name: string, target: Target, load: Load): Promise<Window> {
  const window = await measureWindow(target, load);
  const { cpuUsPerCall, source } = window.target;
  const coarse = source === 'stat' ? ' (10 ms clock: use windows of 10 s or more)' : '';
  console.log(`${name}: ${cpuUsPerCall.toFixed(1)} µs/call, ${window.callsPerSecond.toFixed(0)} calls/s${coarse}`);
  return window;
}
