/**
 * Process groups in which something still runs (Linux). A process that has ended stays a member until its parent asks for
 * its end, which in a container may be never; a signal cannot tell the two apart.
 */
import { readdir, readFile } from 'node:fs/promises';

/** How long one look at all processes holds, milliseconds. */
const FRESH = 100;
/** Files read at the same time. */
const AT_ONCE = 32;

let look: { readonly at: number; readonly groups: Promise<ReadonlySet<number> | undefined> } | undefined;

/**
 * Whether something runs in a group. Many who ask at once share one look, so that it does not matter how many they are.
 * @param since the answer is to be from after this time, milliseconds of `performance.now()`
 * @returns `undefined` where there is no telling; what forks while it is looked at may be missed
 */
export async function runsInGroup(pid: number, since: number): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return undefined;
  const now = performance.now();
  if (!look || look.at < Math.max(since, now - FRESH))
    look = { at: now, groups: livingGroups().catch(() => undefined) };
  return (await look.groups)?.has(pid);
}

async function livingGroups(): Promise<ReadonlySet<number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const groups = new Set<number>();
  while (pids.length > 0) {
    for (const stat of await Promise.all(pids.splice(0, AT_ONCE).map(read))) {
      // the second field is a name in parentheses, which may hold anything
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state !== 'Z' && state !== 'X') groups.add(Number(group));
    }
  }
  return groups;
}

const read = (pid: string): Promise<string> => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
