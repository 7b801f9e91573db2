/**
 * Where several worker processes serve one port, a handle says which of them holds what it stands for: `w2.` before the id
 * itself. It is in clear, since it leads a request to a process and opens nothing there; sealed handles are sealed with it.
 */
const OWNED = /^w([1-9]\d{0,2})\./;

/** @param worker its number; `undefined` where there is one process alone, whose handles name nobody */
export const owned = (handle: string, worker: number | undefined): string =>
  worker === undefined ? handle : `w${worker}.${handle}`;

/** The number of the worker that a handle names; `undefined` for what names none. */
export function ownerOf(handle: string): number | undefined {
  const number = OWNED.exec(handle)?.[1];
  return number === undefined ? undefined : Number(number);
}
