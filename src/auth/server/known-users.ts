/** The users of the file as they were at the last look, so that a change between two runs ends what one during a run would. */
import type { Users } from '../users.ts';
import type { Records } from './records.ts';

const KIND = 'KnownUsers';
const ALL = 'all';

/**
 * Notes the users there are.
 * @returns the names of those who were removed since the last time, or were given another password or other groups
 */
export function noteUsers(records: Records, users: Users): string[] {
  const marks = users.marks();
  const before = (records.get(KIND, ALL)?.marks ?? {}) as Readonly<Record<string, string>>;
  const changed = Object.keys(before).filter((name) => marks.get(name) !== before[name]);
  const same = changed.length === 0 && marks.size === Object.keys(before).length;
  if (!same) records.note(KIND, ALL, { marks: Object.fromEntries(marks) });
  return changed;
}
