/** From measured curves to pictures, and tables under them. */
import { type Axis, draw } from './plot.ts';
import { type Environment, takenLine } from './report.ts';

/** CPU µs per call of each contender at each point. */
export interface CurveResult {
  name: string;
  at: number[];
  series: { name: string; cpuUs: number[] }[];
  /** The median of the rounds' ratios at each point. */
  ratio: { of: string; to: string; medians: number[] };
}

/** A committed result. */
export interface CurvesResult {
  benchmark: string;
  environment: Environment;
  settings: Record<string, number>;
  curves: CurveResult[];
}

interface Looks {
  readonly title: string;
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
}

const count: Axis['format'] = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

function size(bytes: number): string {
  if (bytes >= 1e6) return `${bytes / 1e6} MB`;
  return bytes >= 1e3 ? `${bytes / 1e3} KB` : `${bytes} B`;
}

function time(us: number): string {
  if (us >= 1e6) return `${rounded(us / 1e6)} s`;
  return us >= 1e3 ? `${rounded(us / 1e3)} ms` : `${rounded(us)} µs`;
}

const rounded = (value: number): number => Number(value.toPrecision(3));

const CPU = 'CPU for a call';
const linearTime: Axis = { label: CPU, scale: 'linear', format: time };
const logTime: Axis = { label: CPU, scale: 'log', format: time };

const LOOKS: Readonly<Record<string, Looks>> = {
  payload: {
    title: 'Cost of a call by the size of its result',
    description: 'From where copying costs more than the call itself, all lines rise with the size.',
    x: { label: 'size of the result', scale: 'log', format: size },
    y: logTime,
  },
  tools: {
    title: 'Cost by the number of tools',
    description: 'A call costs the same however many tools there are; a list costs what its size does.',
    x: { label: 'tools of the upstream', scale: 'log', format: count },
    y: logTime,
  },
  sessions: {
    title: 'Cost of a call by the number of sessions that take turns',
    description:
      'CPU for a call, with calls spread over all sessions, each of which has a link of its own to the upstream.',
    x: { label: 'sessions', scale: 'log', format: count },
    y: linearTime,
  },
  upstreams: {
    title: 'Cost of a call by the number of upstreams',
    description: 'CPU for a call, with the calls of 64 sessions spread over all upstreams.',
    x: { label: 'upstreams', scale: 'log', format: count },
    y: linearTime,
  },
};

/** @returns the pictures by the names of their files */
export function drawCurves({ curves }: Pick<CurvesResult, 'curves'>): [file: string, svg: string][] {
  return curves.map(({ name, at, series }) => {
    const { title, description, x, y } = LOOKS[name]!;
    const lines = series.map((one) => ({
      name: one.name,
      points: at.map((value, i): [number, number] => [value, one.cpuUs[i]!]),
    }));
    return [`${name}.svg`, draw({ title, description, x: { ...x, ticks: at }, y, series: lines })];
  });
}

/** Markdown: each picture, and its figures as a table. */
export function toCurveTables({ curves, environment, settings }: CurvesResult): string {
  return [...curves.map(toTable), takenLine(environment, settings)].join('\n\n');
}

function toTable({ name, at, series, ratio }: CurveResult): string {
  const { title, x } = LOOKS[name]!;
  const head = [x.label, ...series.map((one) => one.name), `${ratio.of} / ${ratio.to}`];
  const rows = at.map((value, i) => [
    x.format(value),
    ...series.map((one) => time(one.cpuUs[i]!)),
    ratio.medians[i]!.toFixed(2),
  ]);
  return [
    `![${title}](plots/${name}.svg)`,
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---:').join(' | ')} |`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}
