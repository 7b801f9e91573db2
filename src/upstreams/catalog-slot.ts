/** One place in the store of catalogs, and how long it is worth waiting for. */
import type { Catalog } from './catalog.ts';

/** What is known of one upstream, for one audience. */
export interface Slot {
  readonly upstream: string;
  readonly audience: string;
  /** What it lists is not wanted any more. */
  over: boolean;
  /** When it was first asked for, by whichever audience, and when its first catalog came. */
  since: number | undefined;
  arrived: number | undefined;
  catalog: Catalog | undefined;
  /** Its catalog is of an earlier run, or of another audience. */
  stale: boolean;
  fetching: Promise<void> | undefined;
  /** A change was announced while a fetch was under way, whose answer may be older than the change. */
  again: boolean;
  /** The text of the last failure; `undefined` once a fetch succeeds. */
  problem: string | undefined;
  failures: number;
  retry: NodeJS.Timeout | undefined;
}

/** The part of the longest wait that is waited after the last catalog that came. */
const LATER = 6;

/** Whether nothing is known of it, not even that it failed. */
export const isAwaited = ({ catalog, problem }: Slot): boolean => !catalog && problem === undefined;

/** Whether something is on its way that is not known yet, or not from this run or for this audience. */
export const isUnsure = (slot: Slot): boolean => isAwaited(slot) || (slot.stale && slot.problem === undefined);

/** When the last one came that was not known before; `undefined` when none is known. */
export const lastOf = (slots: readonly Slot[]): number | undefined =>
  slots.reduce<number | undefined>((last, { arrived }) => Math.max(arrived ?? 0, last ?? 0) || undefined, undefined);

/** Until when one is waited for. @param last when the last of the others came, if that matters */
export function limitOf({ since = Date.now() }: Slot, ms: number, last: number | undefined): number {
  const limit = since + ms;
  return last === undefined ? limit : Math.min(limit, Math.max(last, since) + ms / LATER);
}

/** It is not wanted any more: what is on its way is not stored. */
export function retire(slot: Slot): void {
  slot.over = true;
  clearTimeout(slot.retry);
}
