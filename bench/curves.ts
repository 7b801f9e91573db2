/**
 * Benchmark `curves`: what a call costs as something grows: the payload, the tools, the sessions, the upstreams. The byte
 * proxy is measured beside it at each point; the curves are drawn as SVG files, which the page of the benchmarks shows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { urlsOf } from './ask-upstream.ts';
import { type Benchmark, resultFile, writeResult } from './benchmark.ts';
import { type Contender, compare } from './compare.ts';
import { type CurveResult, drawCurves, toCurveTables } from './curve-report.ts';
import { readFlags } from './flags.ts';
import { productionConfig, startIssuer } from './production.ts';
import { inCalm, toRatio, toRow } from './report.ts';
import { DEFAULT_CLI, startByteProxy, startPatchbay, startSdkGateway, startUpstream } from './targets.ts';
import type { Load } from './windows.ts';

export const PLOTS = join(import.meta.dirname, 'plots');

const PATCHBAY = 'Patchbay';
const PROXY = 'byte proxy';
const SDK = 'SDK gateway';
const SETTLE = 1.5;

interface Curve {
  readonly name: string;
  readonly at: readonly number[];
  readonly load: (x: number) => Load;
  /** What is compared with what at each point. */
  readonly ratio: readonly [of: string, to: string];
  contenders(stack: AsyncDisposableStack, cli: string, x: number): Promise<Contender[]>;
}

const SMALL: Load = { seconds: 1, warmup: 0.2, connections: 16, inFlight: 32, bytes: 200 };

const payload: Curve = {
  name: 'payload',
  at: [1e3, 1e4, 1e5, 1e6, 1e7],
  load: (bytes) => ({ ...SMALL, connections: 4, inFlight: 4, bytes }),
  ratio: [PATCHBAY, PROXY],
  async contenders(stack, cli) {
    const { url, token, config } = await production(stack);
    return [
      { name: PROXY, start: () => startByteProxy(url), load: { token } },
      { name: PATCHBAY, start: () => startPatchbay({ url }, { cli, config }), load: { token } },
      { name: SDK, start: () => startSdkGateway(url), load: { token } },
    ];
  },
};

const CALL = 'call';
const LIST = 'list';
/** Tools of the upstream that do something, and are always there. */
const OWN_TOOLS = 4;

const tools: Curve = {
  name: 'tools',
  at: [10, 100, 1_000, 5_000],
  load: () => ({ ...SMALL, connections: 4, inFlight: 4 }),
  ratio: [`${PATCHBAY}, ${CALL}`, `${PROXY}, ${CALL}`],
  async contenders(stack, cli, count) {
    const { url, token, config } = await production(stack, { tools: count - OWN_TOOLS });
    const [call, list]: Partial<Load>[] = [{ token }, { token, tool: 'list', tools: count }];
    const both = (name: string, start: Contender['start']): Contender[] => [
      { name: `${name}, ${CALL}`, start, load: call! },
      { name: `${name}, ${LIST}`, start, load: list! },
    ];
    return [
      ...both(PROXY, () => startByteProxy(url)),
      ...both(PATCHBAY, () => startPatchbay({ url }, { cli, config })),
    ];
  },
};

const sessions: Curve = {
  name: 'sessions',
  at: [1, 10, 100, 1_000],
  // each has a link of its own, which its first call opens
  load: (count) => ({ ...SMALL, sessions: count, warmup: 0.2 + count / 500 }),
  ratio: [PATCHBAY, PROXY],
  async contenders(stack, cli, count) {
    const { url, token, config } = await production(stack);
    const most = 2 * Math.max(count, 100);
    const upstream = { url, maxLinks: most, maxLinksPerPrincipal: most };
    const more = { ...config, sessions: { maxPerPrincipal: most } };
    return [
      { name: PROXY, start: () => startByteProxy(url), load: { token } },
      { name: PATCHBAY, start: () => startPatchbay(upstream, { cli, config: more }), load: { token } },
    ];
  },
};

const upstreams: Curve = {
  name: 'upstreams',
  at: [1, 4, 16, 64],
  load: () => ({ ...SMALL, sessions: 64, warmup: 0.4 }),
  ratio: [PATCHBAY, PROXY],
  async contenders(stack, cli, count) {
    const { url, token, config } = await production(stack, { ports: count });
    const urls = await urlsOf(url);
    const many = { ...config, upstreams: Object.fromEntries(urls.map((one, i) => [`up${i}`, { url: one }])) };
    return [
      { name: PROXY, start: () => startByteProxy(url), load: { token } },
      { name: PATCHBAY, start: () => startPatchbay({}, { cli, config: many }), load: { token, spread: count } },
    ];
  },
};

const CURVES: readonly Curve[] = [payload, tools, sessions, upstreams];

/** An upstream and an issuer that go with the stack. */
async function production(stack: AsyncDisposableStack, options: Parameters<typeof startUpstream>[0] = {}) {
  const { url } = stack.use(await startUpstream(options));
  const issuer = stack.use(await startIssuer());
  return { url, token: issuer.token, config: productionConfig(issuer) };
}

async function measureCurve(curve: Curve, cli: string, rounds: number, only: Partial<Load>): Promise<CurveResult> {
  const { name, at, ratio } = curve;
  const series: CurveResult['series'] = [];
  const ratios: number[] = [];
  for (const x of at) {
    await using stack = new AsyncDisposableStack();
    const contenders = await curve.contenders(stack, cli, x);
    const load = { ...curve.load(x), ...only };
    const windows = await compare(contenders, load, { sets: 1, rounds, settle: SETTLE, brief: true });
    const rows = contenders.map((one, i) => toRow(one.name, windows[i]!));
    for (const [i, row] of rows.entries()) {
      series[i] ??= { name: row.name, cpuUs: [] };
      series[i].cpuUs.push(row.cpuUsPerCall);
    }
    const [of, to] = ratio.map((which) => rows.find((row) => row.name === which)!);
    ratios.push(toRatio(of!, to!).median);
    console.log(`${name} ${x}, µs/call: ${rows.map((row) => `${row.name} ${row.cpuUsPerCall.toFixed(1)}`).join(', ')}`);
  }
  return { name, at: [...at], series, ratio: { of: ratio[0], to: ratio[1], medians: ratios } };
}

const name = 'curves';

export const curves: Benchmark = {
  name,
  resultFile: resultFile(name),
  quick: ['--rounds', '1', '--seconds', '0.3', '--plots', ''],
  toMarkdown: (json) => toCurveTables(JSON.parse(json)),
  async run(argv) {
    const flags = readFlags(argv, {
      rounds: { type: 'count', default: 4, min: 1 },
      seconds: { type: 'number', default: SMALL.seconds, min: 0.1 },
      only: { type: 'text' },
      json: { type: 'text', default: resultFile(name) },
      plots: { type: 'text', default: PLOTS },
      cli: { type: 'text', default: DEFAULT_CLI },
    });
    const { rounds, seconds } = flags;
    const asked = CURVES.filter((curve) => flags.only === undefined || curve.name === flags.only);
    if (asked.length === 0) throw new Error(`--only is one of: ${CURVES.map((curve) => curve.name).join(', ')}`);
    const { environment, measured } = await inCalm(async () => {
      const results: CurveResult[] = [];
      for (const curve of asked) results.push(await measureCurve(curve, flags.cli, rounds, { seconds }));
      return results;
    });
    const result = { benchmark: name, environment, settings: { rounds, seconds }, curves: measured };
    console.log(`\n${toCurveTables(result)}`);
    writeResult(flags.json, result);
    if (flags.plots !== '') {
      mkdirSync(flags.plots, { recursive: true });
      for (const [file, svg] of drawCurves(result)) writeFileSync(join(flags.plots, file), svg);
    }
    return 0;
  },
};
