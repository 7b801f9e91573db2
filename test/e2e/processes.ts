/** Finds processes by a mark in their environment, which they hand on to all that they start (Linux: /proc). */
import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'vitest';

/**
 * Living processes that were started with this TMPDIR, wherever they hang in the process tree: orphans count, zombies
 * do not, since nothing of their memory is left.
 * @returns their command lines by process id
 */
export async function marked(mark: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = await readFile(`/proc/${name}/environ`, 'utf8');
      if (!environment.split('\0').includes(`TMPDIR=${mark}`)) continue;
      found.set(Number(name), (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim());
    } catch {
      // it ended in the meantime, or is not ours to look into
    }
  }
  return found;
}

/** Waits until none of them lives any more: what was told to stop may take its time, what was killed a moment. */
export async function expectNoneMarked(mark: string): Promise<void> {
  await expect.poll(async () => [...(await marked(mark)).values()], { timeout: 8_000 }).toEqual([]);
}

/** The living children of a process. @returns their command lines by process id */
export async function childrenOf(parent: number): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8');
      // the second field is a name in parentheses, which may hold anything
      const [state, of] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || Number(of) !== parent) continue;
      found.set(Number(name), (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim());
    } catch {
      // it ended in the meantime
    }
  }
  return found;
}
