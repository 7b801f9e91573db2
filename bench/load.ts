/**
 * The load generator: opens sessions on one MCP endpoint, keeps a fixed number of `tools/call` in flight over a fixed
 * number of keep-alive connections, checks every answer and prints one JSON object (LoadReport) on stdout.
 *
 * Run: `node bench/load.ts --url URL [--seconds S] [--calls N] [--warmup S] [--connections K] [--in-flight N]
 * [--era legacy|modern] [--tool echo|notify|wait|ask|list] [--bytes B] [--ballast B] [--count N] [--ms T] [--tools N]
 * [--sessions N] [--spread N] [--rate R] [--pid PID] [--more-pids PID,PID] [--also URL,URL] [--apart 1] [--token T]`.
 *
 * There is a session for each connection, unless `--sessions` says otherwise; with `--spread` they take turns in so many tools
 * of the same name. The window is over after S seconds, or N calls if they are sooner. With `--pid` the CPU that process uses
 * inside the window is part of the report, together with that of `--more-pids`; with `--also` sessions take turns in so many
 * more endpoints, of the same path; with `--apart 1` each session has connections
 * of its own, as hosts have, in place of sharing all of them; with `--rate` so many calls a second are begun, in place of one after the other.
 */
import { createHistogram } from 'node:perf_hooks';
import { Pool } from 'undici';
import { callAndAnswer } from './ask.ts';
import { type CallEnd, type CallSpec, sendCall, sendList, type Work } from './call.ts';
import { readFlags } from './flags.ts';
import { cpuBetween, readUsage, type Usage } from './measure.ts';
import { closeSession, type Era, openSession, type Session } from './session.ts';

/** The outcome of one window. */
export interface LoadReport {
  /** Calls answered rightly inside the window. */
  calls: number;
  seconds: number;
  callsPerSecond: number;
  p50Us: number;
  p99Us: number;
  /** Wrong or missing answers, from the first call of the warm-up to the last. */
  errors: number;
  /** Up to five different descriptions of what went wrong. */
  errorSamples: string[];
  /**
   * Only with `--pid`: CPU µs of its processes for one call, that of the busiest of them alone, the cores they kept busy, and
   * their peak memory in KiB.
   */
  target?: {
    cpuUsPerCall: number;
    busiestUsPerCall: number;
    cores: number;
    peakRssKb: number;
    source: Usage['source'];
  };
}

const TIMEOUT_MS = 30_000;
const MAX_SAMPLES = 5;
/** Sessions that are opened at once. */
const AT_ONCE = 16;
/** So many wrong answers end the run: what it would measure is not what was asked. */
const MAX_ERRORS = 100;

const flags = readFlags(process.argv.slice(2), {
  url: { type: 'text' },
  seconds: { type: 'number', default: 5, min: 0.1 },
  calls: { type: 'count', min: 1 },
  warmup: { type: 'number', default: 1 },
  connections: { type: 'count', default: 16, min: 1 },
  'in-flight': { type: 'count', default: 32, min: 1 },
  era: { type: 'text', default: 'legacy' },
  tool: { type: 'text', default: 'echo' },
  bytes: { type: 'count', default: 200 },
  ballast: { type: 'count', default: 0 },
  count: { type: 'count', default: 0 },
  ms: { type: 'count', default: 0 },
  tools: { type: 'count', default: 0 },
  sessions: { type: 'count', min: 1 },
  spread: { type: 'count', default: 1, min: 1 },
  rate: { type: 'number', min: 0.1 },
  pid: { type: 'count', min: 1 },
  'more-pids': { type: 'text', default: '' },
  also: { type: 'text', default: '' },
  apart: { type: 'count', default: 0 },
  token: { type: 'text' },
});
if (flags.url === undefined) throw new Error('--url is missing: give the URL of an MCP endpoint');
const url = new URL(flags.url);
const { connections, pid, tool } = flags;
const work: Work = { bytes: flags.bytes, ballast: flags.ballast, count: flags.count, ms: flags.ms };
const era = flags.era as Era;
const inFlight = flags['in-flight'];
const sessionCount = flags.sessions ?? connections;

// an answer to what is asked needs a connection beside that of the call
const makePool = (origin: string, most: number): Pool =>
  new Pool(origin, {
    connections: most * (tool === 'ask' ? 2 : 1),
    pipelining: 1,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
const origins = [url.href, ...flags.also.split(',').filter(Boolean)].map((one) => new URL(one).origin);
const shared = origins.map((origin) => makePool(origin, Math.ceil(connections / origins.length)));
/** The connections of each session. */
const pools = Array.from({ length: sessionCount }, (_, i) => {
  const turn = i % origins.length;
  return flags.apart > 0 ? makePool(origins[turn]!, Math.ceil(inFlight / sessionCount)) : shared[turn]!;
});
const poolOf = new Map<Session, Pool>();

/** Counts of the current phase, warm-up or window. */
let latencies = createHistogram();
let calls = 0;

let errors = 0;
const errorSamples = new Set<string>();
let stopping = false;
/** Looks whether the phase is over. */
let counted = (): void => {};

/**
 * Starts counting anew; settles after `limit` calls, or when `seconds` are over and there were `least` calls, or when there are
 * too many errors.
 */
function phase(seconds: number, { least = 1, limit = Number.POSITIVE_INFINITY }): Promise<void> {
  latencies = createHistogram();
  calls = 0;
  return new Promise((resolve) => {
    let over = false;
    counted = () => {
      if (calls < limit && errors < MAX_ERRORS && !(over && calls >= least)) return;
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      over = true;
      counted();
    }, seconds * 1000);
    counted();
  });
}

function record(end: CallEnd): void {
  if (end.error === undefined) {
    calls += 1;
    latencies.record(Math.max(1, Math.round(end.ms * 1e6)));
    counted();
    return;
  }
  errors += 1;
  if (errorSamples.size < MAX_SAMPLES) errorSamples.add(end.error);
  if (errors >= MAX_ERRORS) {
    stopping = true;
    counted();
  }
}

/**
 * Keeps one call in flight until the load stops, in all sessions in turn. Ids are unique within a session, as they must be,
 * but the same in every session, and the text of each call is unique: an answer that reaches the wrong call shows.
 */
async function runLane(lane: number): Promise<void> {
  for (let count = 0; !stopping; count += 1) {
    const serial = count * inFlight + lane;
    const session = sessions[serial % sessions.length]!;
    const id = 1 + Math.floor(serial / sessions.length);
    const text = `${lane}:${count}:`;
    await paced();
    if (!stopping) record(await one({ session, id, text, work }));
  }
}

/** Does something for each session, a few at a time. */
async function eachSession(work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < sessionCount) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, connections) }, one));
}

function one(spec: CallSpec): Promise<CallEnd> {
  const pool = poolOf.get(spec.session)!;
  if (tool === 'ask') return callAndAnswer(pool, url.pathname, spec);
  return new Promise((end) => {
    if (tool === 'list') sendList(pool, url.pathname, spec, flags.tools, end);
    else sendCall(pool, url.pathname, spec, end);
  });
}

let due = performance.now();

/** Waits until the next call is due. */
async function paced(): Promise<void> {
  if (flags.rate === undefined) return;
  due = Math.max(due + 1000 / flags.rate, performance.now() - 100);
  const wait = due - performance.now();
  if (wait > 0) await new Promise((now) => setTimeout(now, wait));
}

const opening = { suffix: tool === 'list' ? 'echo' : tool, spread: flags.spread, era, token: flags.token };
const sessions: Session[] = [];
await eachSession(async (i) => {
  const session = await openSession(pools[i]!, url.pathname, { ...opening, turn: i });
  sessions[i] = session;
  poolOf.set(session, pools[i]!);
});
const lanes = Array.from({ length: inFlight }, (_, lane) => runLane(lane));
// what a session does with its first call is not measured, however slow the machine is
await phase(flags.warmup, { least: 2 * Math.max(sessionCount, inFlight) });

const pids = pid === undefined ? [] : [pid, ...flags['more-pids'].split(',').filter(Boolean).map(Number)];
/** What each process of the target has used; a target that has failed may have no process left to read. */
const usage = (): Usage[] => (stopping ? [] : pids.map(readUsage));
const before = usage();
const opened = performance.now();
await phase(flags.seconds, { ...(flags.calls !== undefined && { limit: flags.calls }) });
const seconds = (performance.now() - opened) / 1000;
// read before the lanes stop
const after = usage();
const window = { calls, seconds, callsPerSecond: calls / seconds };
const latency = { p50Us: latencies.percentile(50) / 1000, p99Us: latencies.percentile(99) / 1000 };

const failed = stopping;
stopping = true;
await Promise.all(lanes);
if (!failed) await eachSession((i) => closeSession(pools[i]!, url.pathname, sessions[i]!));
await Promise.all([...new Set([...shared, ...pools])].map((pool) => pool.destroy()));

const report: LoadReport = { ...window, ...latency, errors, errorSamples: [...errorSamples] };
const [first] = after;
if (first !== undefined && before.length > 0) {
  const used = after.map((one, i) => cpuBetween(before[i]!, one));
  const cpuUs = used.reduce((sum, one) => sum + one, 0);
  report.target = {
    cpuUsPerCall: cpuUs / window.calls,
    busiestUsPerCall: Math.max(...used) / window.calls,
    cores: cpuUs / 1e6 / seconds,
    peakRssKb: after.reduce((sum, one) => sum + one.peakRssKb, 0),
    source: first.source,
  };
}
process.stdout.write(`${JSON.stringify(report)}\n`);
