/**
 * One measured window: a load generator process against a running target.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadReport } from './load.ts';
import type { Era } from './session.ts';
import type { Target } from './targets.ts';

/** What the load generator is asked for, by its flags (load.ts); `warmup` and `seconds` in seconds. */
export interface Load {
  seconds: number;
  warmup: number;
  connections: number;
  inFlight: number;
  /** Size of a reply's text. */
  bytes: number;
  tool?: 'echo' | 'notify' | 'wait' | 'ask' | 'list';
  era?: Era;
  ballast?: number;
  count?: number;
  ms?: number;
  tools?: number;
  /** The window is over after so many, if they are sooner than its time. */
  calls?: number;
  /** Where they are not as many as connections. */
  sessions?: number;
  /** In so many tools of the same name the sessions take turns. */
  spread?: number;
  rate?: number;
  /** 1: each session has connections of its own. */
  apart?: number;
  token?: string;
}

/** A load report that has the target's own use in it. */
export type Window = LoadReport & { target: NonNullable<LoadReport['target']> };

const run = promisify(execFile);

/**
 * Warms a target up and measures it.
 *
 * @throws {Error} when an answer was wrong or missing, because the figures of such a window mean nothing
 */
export async function measureWindow(target: Target, { inFlight, ...load }: Load): Promise<Window> {
  const flags = {
    url: target.url,
    pid: target.pid,
    ...(target.workers.length > 0 && { 'more-pids': target.workers.join(',') }),
    ...(target.also && { also: target.also.join(',') }),
    'in-flight': inFlight,
    ...load,
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'load.ts'), ...args]);
  const report = JSON.parse(stdout) as LoadReport;
  if (report.errors > 0) {
    const samples = report.errorSamples.map((sample) => `  ${sample}`).join('\n');
    throw new Error(
      `${target.name}: ${report.errors} wrong answers, so there is nothing to compare:\n${samples}\n${target.stderr()}`,
    );
  }
  if (report.calls === 0 || report.target === undefined) throw new Error(`${target.name}: no call was measured`);
  return { ...report, target: report.target };
}
