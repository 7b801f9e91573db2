/**
 * What a process has used so far, read from Linux `/proc`: CPU time of all its live threads and its peak memory.
 * Two readings around a window give the CPU of that window.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** One reading. `source` says how fine the CPU time is: `schedstat` nanoseconds, `stat` clock ticks of 10 ms. */
export interface Usage {
  /** CPU time since the process began, µs, user and system. */
  cpuUs: number;
  /** Largest resident set so far, KiB (VmHWM). */
  peakRssKb: number;
  source: 'schedstat' | 'stat';
}

/** Linux reports clock ticks to user space in USER_HZ, which is 100 on every architecture Node runs on (proc(5)). */
export const TICK_US = 10_000;

/**
 * Reads the usage of a process.
 *
 * @throws {Error} when the process is gone or the system has no `/proc`
 */
export function readUsage(pid: number): Usage {
  const fine = threadsNs(pid);
  return {
    cpuUs: fine === undefined ? ticks(pid) * TICK_US : Number(fine / 1_000n),
    peakRssKb: statusKb(pid, 'VmHWM'),
    source: fine === undefined ? 'stat' : 'schedstat',
  };
}

/**
 * CPU time between two readings, µs.
 *
 * @throws {Error} when they come from different sources and so cannot be compared
 */
export function cpuBetween(before: Usage, after: Usage): number {
  if (before.source !== after.source) throw new Error('CPU readings from different sources cannot be subtracted');
  return after.cpuUs - before.cpuUs;
}

/** The first field of each thread's schedstat is its time on a CPU, ns; undefined where the kernel does not keep it. */
function threadsNs(pid: number): bigint | undefined {
  let total = 0n;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const line = readThread(`/proc/${pid}/task/${thread}/schedstat`);
    if (line === undefined) continue;
    total += BigInt(line.split(' ', 1)[0] ?? '0');
  }
  return total === 0n ? undefined : total;
}

/** A thread may end between listing and reading; that is no error. */
function readThread(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** utime + stime of the whole process, fields 14 and 15 of stat; the name in field 2 may hold spaces and brackets. */
function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** What is in memory now, KiB (VmRSS). */
export function residentKb(pid: number): number {
  return statusKb(pid, 'VmRSS');
}

/** Makes the peak begin at what is in memory now (proc_pid_clear_refs(5)). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function statusKb(pid: number, name: 'VmHWM' | 'VmRSS'): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found?.[1] === undefined) throw new Error(`/proc/${pid}/status has no ${name} line: the process has ended`);
  return Number(found[1]);
}
