/** Files beside the config that a gateway does not start without. */
import { UsersProblem } from '../auth/users-file.ts';
import { PinsProblem } from '../upstreams/pins.ts';

/** What `open` gives, or, in words for the admin, what is wrong with the file that it opens. */
export function problemOf<T>(open: () => T): { readonly value: T } | { readonly problem: string } {
  try {
    return { value: open() };
  } catch (error) {
    if (!(error instanceof UsersProblem) && !(error instanceof PinsProblem)) throw error;
    return { problem: error.message };
  }
}
