/**
 * From windows to figures: medians, the environment they hold for, tables, and the README's copy of them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { busyCores, CALM } from './calm.ts';
import type { Window } from './windows.ts';

/** The median over a target's windows; `cpuUsPerRound` keeps every round's figure, in order. */
export interface Row {
  name: string;
  cpuUsPerCall: number;
  cpuUsPerRound: number[];
  callsPerSecond: number;
  p50Us: number;
  p99Us: number;
  /** Cores the target kept busy; 1 is the most a single-threaded target can use for JavaScript. */
  cores: number;
  peakRssMb: number;
}

/** Where and when figures were taken. */
export interface Environment {
  date: string;
  node: string;
  cpu: string;
  cores: number;
  /** Cores that something else kept busy, before and after. */
  others?: { before: number; after: number };
}

/** A committed result: rows, the settings they were taken with, and the figure that the gate looks at. */
export interface Result {
  benchmark: string;
  environment: Environment;
  settings: Record<string, number | string>;
  rows: Row[];
  /** What the benchmark is about; the first is the one that a gate looks at. */
  ratios: Ratio[];
  /** CPU µs per call of the last row beyond that of the first, where that is the figure that the gate looks at. */
  added?: Added;
}

/** A figure that is no CPU time, and what it may be at most. */
export interface Figure {
  name: string;
  unit: string;
  value: number;
  limit?: number;
  /** What it is to be at least. */
  least?: number;
}

/** A committed result of such figures. */
export interface FiguresResult {
  benchmark: string;
  environment: Environment;
  settings: Record<string, number>;
  figures: Figure[];
}

/** The figures as a Markdown table. */
export function toFigures({ figures, environment: env, settings }: FiguresResult): string {
  const cells = figures.map(({ name, unit, value, limit, least }) => {
    const spelled = (number: number): string => `${Number(number.toPrecision(3))} ${unit}`.trim();
    const wanted = limit !== undefined ? spelled(limit) : least !== undefined ? `at least ${spelled(least)}` : '';
    return `| ${name} | ${spelled(value)} | ${wanted} |`;
  });
  const head = ['| what | measured | at most |', '| --- | ---: | ---: |'];
  return [...head, ...cells, '', takenLine(env, settings)].join('\n');
}

/** When, where and how figures were taken, and whether they are any good. */
export function takenLine(env: Environment, settings: Result['settings']): string {
  const set = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  const { before = 0, after = 0 } = env.others ?? {};
  const busy = `${before.toFixed(2)} cores busy before and ${after.toFixed(2)} after`;
  const others =
    Math.max(before, after) > CALM
      ? `\n**The machine was not calm, so these figures are rough**: something else kept ${busy}.`
      : `\nSomething else kept ${busy}.`;
  const taken = `Taken ${env.date} with Node ${env.node} on ${env.cores} × ${env.cpu}; ${set.join(', ')}.`;
  return `${taken}${env.others ? others : ''}`;
}

/** The middle value, or the mean of the two middle ones. `values` must not be empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Folds a target's windows into one row. Peak memory is the largest seen, everything else the median. */
export function toRow(name: string, windows: readonly Window[]): Row {
  const middle = (pick: (window: Window) => number): number => round(median(windows.map(pick)));
  return {
    name,
    cpuUsPerCall: middle((window) => window.target.cpuUsPerCall),
    cpuUsPerRound: windows.map((window) => round(window.target.cpuUsPerCall)),
    callsPerSecond: middle((window) => window.callsPerSecond),
    p50Us: middle((window) => window.p50Us),
    p99Us: middle((window) => window.p99Us),
    cores: middle((window) => window.target.cores),
    peakRssMb: round(Math.max(...windows.map((window) => window.target.peakRssKb)) / 1024),
  };
}

/** CPU per call of the first named row over that of the second. */
export interface Ratio {
  of: string;
  to: string;
  median: number;
  /** What is wanted. */
  goal?: Goal;
  perRound: number[];
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** CPU per call of `of` over that of `to`: the median of the rounds' ratios, each from two windows next to each other. */
export function toRatio(of: Row, to: Row, goal?: Goal): Ratio {
  const perRound = of.cpuUsPerRound.map((cost, index) => round(cost / to.cpuUsPerRound[index]!));
  return { of: of.name, to: to.name, median: round(median(perRound)), ...(goal && { goal }), perRound };
}

/** @returns whether a figure is as it is wanted */
export const reached = (figure: number, goal: Goal): boolean =>
  'atMost' in goal ? figure <= goal.atMost : figure >= goal.atLeast;

/** A difference in CPU µs per call. */
export interface Added {
  /** Between the least disturbed round of each: what else runs on a machine only ever adds to a figure. */
  least: number;
  /** The median of the rounds' differences. */
  median: number;
  perRound: number[];
}

/** CPU µs per call that `of` takes beyond `to`. */
export function toAdded(of: Row, to: Row): Added {
  const perRound = of.cpuUsPerRound.map((cost, index) => round(cost - to.cpuUsPerRound[index]!));
  const least = Math.min(...of.cpuUsPerRound) - Math.min(...to.cpuUsPerRound);
  return { least: round(least), median: round(median(perRound)), perRound };
}

/** Measures, and looks at what else runs before and after; warns where the machine is too busy for it. */
export async function inCalm<T>(measure: () => Promise<T>): Promise<{ environment: Environment; measured: T }> {
  const before = await busyCores();
  if (before > CALM) console.error(`The machine is not calm, ${before} cores are busy: the figures will be rough.`);
  const measured = await measure();
  return { environment: { ...environment(), others: { before, after: await busyCores() } }, measured };
}

/** The machine and runtime of this process; no host name. */
export function environment(): Environment {
  const all = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
  };
}

/** The result as a Markdown table that also reads well on a terminal. */
export function toTable(result: Result): string {
  const { environment: env, ratios } = result;
  const head = ['target', 'CPU µs/call', 'calls/s', 'p50 ms', 'p99 ms', 'cores', 'peak RSS MB'];
  const body = result.rows.map((row) => [
    row.name,
    row.cpuUsPerCall.toFixed(1),
    row.callsPerSecond.toFixed(0),
    (row.p50Us / 1000).toFixed(2),
    (row.p99Us / 1000).toFixed(2),
    row.cores.toFixed(2),
    row.peakRssMb.toFixed(0),
  ]);
  const widths = head.map((title, column) =>
    Math.max(...[head, ...body].map((cells) => cells[column]!.length), title.length),
  );
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [
    line(head),
    rule,
    ...body.map(line),
    '',
    ...(result.added === undefined ? [] : [addedLine(result.added)]),
    ...ratios.map(ratioLine),
    '',
    takenLine(env, result.settings),
  ].join('\n');
}

/** With the middle half of the rounds, since one that something else disturbed says nothing. */
function ratioLine({ of, to, median: middle, goal, perRound }: Ratio): string {
  const [low, high] = middleHalf(perRound);
  const wanted = goal === undefined ? '' : `${goalText(goal)}; `;
  const spread = `the middle half of the rounds ${low.toFixed(2)} to ${high.toFixed(2)}`;
  return `- ${of} costs **${middle.toFixed(2)} ×** the CPU of ${to} (${wanted}${spread}).`;
}

const goalText = (goal: Goal): string =>
  'atMost' in goal ? `the goal is at most ${goal.atMost}` : `the goal is at least ${goal.atLeast}`;

/** The quartiles. */
function middleHalf(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)]!;
  return [at(0.25), at(0.75)];
}

function addedLine({ least, median: middle, perRound }: Added): string {
  const [low, high] = middleHalf(perRound);
  const spread = `${low.toFixed(1)} to ${high.toFixed(1)}`;
  const rounds = `median of the rounds; the middle half of them ${spread}, between the least disturbed ${least.toFixed(1)}`;
  return `- It adds ${middle.toFixed(1)} µs of CPU to a call (${rounds}).`;
}

/** The result as a JSON file, in the layout the formatter of this project keeps: lists of numbers on one line. */
export function toJson(result: object): string {
  const text = JSON.stringify(result, null, 2);
  return `${text.replace(/\[\s+([-\d.,\s]+?)\s+\]/g, (_list, numbers: string) => `[${numbers.replace(/\s+/g, ' ')}]`)}\n`;
}

/**
 * Puts a table between its markers in a Markdown file, `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
 *
 * @throws {Error} when the markers are not there
 */
export function writeBetweenMarkers(file: string, name: string, table: string): void {
  const text = readFileSync(file, 'utf8');
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${file} lacks the markers ${open} and ${close}`);
  writeFileSync(file, `${text.slice(0, start + open.length)}\n${table}\n${text.slice(end)}`);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
