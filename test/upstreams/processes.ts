/** What is alive according to /proc (Linux). Zombies do not count: nothing of them is left but a number. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { guardPid } from '../../src/upstreams/groups.ts';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** All living processes. */
export function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // the second field is a name in parentheses, which may hold anything
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' || state === 'X'
        ? []
        : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
    } catch {
      return [];
    }
  });
}

/** The children that this test process has now, but for the guard that stays for those to come. */
export const children = (): number[] =>
  processes()
    .filter((p) => p.parent === process.pid && p.pid !== guardPid())
    .map((p) => p.pid);

/** The members of a process group. */
export const groupOf = (leader: number): number[] =>
  processes()
    .filter((p) => p.group === leader)
    .map((p) => p.pid);

export const isAlive = (pid: number): boolean => processes().some((p) => p.pid === pid);

/** Waits until nothing of a process group is left: what was killed may take a moment to go. */
export const expectGone = (leader: number): Promise<void> =>
  expect.poll(() => groupOf(leader), { timeout: 5_000, interval: 10 }).toEqual([]);
