/** A logger whose lines are kept for a test to look at. */
import { pino } from 'pino';
import type { Logger } from '../../src/telemetry/log.ts';

/** One line of the log; `level` is pino's number, `msg` its text. */
export type LogLine = Readonly<Record<string, unknown>>;

/** @returns the logger, and the lines written so far: the array grows */
export function memoryLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) };
  return { log: pino({ level: 'trace', base: null, timestamp: false }, stream), lines };
}
