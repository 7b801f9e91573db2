/** What the soak measures of a gateway: from its /metrics, and from /proc where that knows it from outside. */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** How a figure is shown, and how much it may grow from the first third to the last one: a share of it, and so much. */
interface Measure {
  readonly title: string;
  readonly unit: string;
  readonly share: number;
  readonly slack: number;
}

/**
 * Memory breathes with the garbage collector, event-loop delay with whatever else the machine does; the rest hangs on how
 * many calls happen to be open.
 */
export const MEASURES = {
  rss: { title: 'RSS', unit: ' MiB', share: 0.15, slack: 10 },
  heap: { title: 'heap', unit: ' MiB', share: 0.15, slack: 8 },
  sockets: { title: 'sockets', unit: '', share: 0.15, slack: 10 },
  children: { title: 'children', unit: '', share: 0.15, slack: 5 },
  timers: { title: 'timers', unit: '', share: 0.15, slack: 10 },
  handles: { title: 'handles', unit: '', share: 0.15, slack: 20 },
  delay: { title: 'delay', unit: ' ms', share: 0.5, slack: 5 },
  delayP99: { title: 'delay p99', unit: ' ms', share: 1, slack: 50 },
} as const satisfies Record<string, Measure>;

export type FigureName = keyof typeof MEASURES;

/** Memory in MiB, event-loop delay (mean and 99th percentile since the sample before) in milliseconds, counts. */
export type Sample = Readonly<Record<FigureName, number>>;

const MIB = 1024 * 1024;

/**
 * @param url any URL of the gateway
 * @param pid its process id
 * @throws Error when the gateway does not answer, or with something else than figures
 */
export async function takeSample(url: string, pid: number): Promise<Sample> {
  const answer = await fetch(new URL('/metrics', url), { signal: AbortSignal.timeout(30_000) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`/metrics: HTTP ${answer.status} ${text.slice(0, 200)}`);
  const figure = (series: string, absent?: number): number => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    if (line === undefined && absent !== undefined) return absent;
    const value = Number(line?.slice(series.length + 1));
    if (line === undefined || Number.isNaN(value)) throw new Error(`/metrics has no number for ${series}`);
    return value;
  };
  return {
    rss: figure('process_resident_memory_bytes') / MIB,
    heap: figure('nodejs_heap_size_used_bytes') / MIB,
    sockets: await countSockets(pid),
    children: await countChildren(pid),
    timers: figure('nodejs_active_resources{type="Timeout"}', 0),
    handles: figure('nodejs_active_resources_total'),
    delay: figure('nodejs_eventloop_lag_mean_seconds') * 1_000,
    delayP99: figure('nodejs_eventloop_lag_p99_seconds') * 1_000,
  };
}

async function countSockets(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
}

/** Zombies included: they are what a gateway leaves behind that forgets its children. */
async function countChildren(pid: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')));
  // the second field is a name in parentheses, which may hold anything
  return stats.filter((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid).length;
}

/** @param seconds since the load began */
export function sampleLine(seconds: number, sample: Sample): string {
  const shown = names().map((name) => `${MEASURES[name].title} ${show(name, sample[name])}`);
  return `${String(Math.round(seconds)).padStart(6)} s  ${shown.join('  ')}`;
}

/** What came of one figure. */
export interface Verdict {
  readonly line: string;
  readonly grew: boolean;
}

/**
 * Compares the median of the first third of the samples with that of the last third.
 * @param samples in their order, three at least
 * @param tolerance how many times what a figure may grow is allowed
 * @throws RangeError for fewer samples
 */
export function judge(samples: readonly Sample[], tolerance: number): Verdict[] {
  const third = Math.floor(samples.length / 3);
  if (third === 0) throw new RangeError(`${samples.length} samples are too few to compare; let it run for longer`);
  return names().map((name) => {
    const { title, share, slack } = MEASURES[name];
    const values = samples.map((sample) => sample[name]);
    const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
    const limit = first + (first * share + slack) * tolerance;
    const grew = last > limit;
    const line = `${grew ? 'GREW  ' : 'steady'}  ${title.padEnd(10)} ${show(name, first)} → ${show(name, last)} (at most ${show(name, limit)})`;
    return { line, grew };
  });
}

const names = () => Object.keys(MEASURES) as FigureName[];

const show = (name: FigureName, value: number): string => {
  const { unit } = MEASURES[name];
  return `${unit === '' ? Math.round(value) : value.toFixed(1)}${unit}`;
};

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
