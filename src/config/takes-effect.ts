/** When a change of a key takes effect in a running gateway: at once, or at its next start. */
import type { AuthMode } from './auth.ts';
import type { Change } from './diff.ts';
import type { Config } from './schema.ts';

/** Sections that a running gateway takes over; all others wait for its next start. */
export const AT_ONCE: ReadonlySet<string> = new Set([
  ...['auth', 'upstreams', 'profiles', 'policy', 'names', 'lists', 'pins', 'secrets', 'log'],
]);

/** Keys of these sections that wait nevertheless, with all that is below them. */
export const AT_NEXT_START = [
  'auth.mode',
  'auth.embedded.users',
  'auth.embedded.passwords',
  'auth.embedded.federation',
  'log.format',
] as const;

/** Ways to sign in that have parts of their own, which are put together when the gateway starts. */
export const FIXED_MODES: readonly AuthMode[] = ['none', 'embedded', 'apiKeys'];

/** Who is let in: half of an edit of these could let in whom nobody meant to. */
const TOGETHER = ['auth.mode', 'auth.scopes', 'auth.jwt', 'auth.introspection'] as const;

export interface Split {
  readonly live: readonly Change[];
  readonly later: readonly Change[];
  /** Those that could take effect at once, and wait for those of `later` that they go with. */
  readonly held: readonly Change[];
  /** What runs from now on: the edited config, in which the keys that wait are as they were. */
  readonly next: Config;
}

/** Pure. Parts an edit into what a running gateway takes over and what it leaves to its next start. */
export function splitChanges(changes: readonly Change[], before: Config, after: Config): Split {
  const later = changes.filter(({ path }) => waits(path, before, after));
  const isHeld = later.some(({ path }) => isBelow(path, 'auth'))
    ? ({ path }: Change) => TOGETHER.some((key) => isBelow(path, key))
    : () => false;
  const others = changes.filter((change) => !later.includes(change));
  const held = others.filter(isHeld);
  const stay = [...later, ...held].map(({ path }) => keyOf(path));
  const next = [...new Set(stay)].reduce((config, key) => withKeyOf(before, config, key.split('.')), after);
  return { live: others.filter((change) => !held.includes(change)), later, held, next };
}

/** Whether a change waits for the next start. @param path dotted, as in {@link Change} */
function waits(path: string, before: Config, after: Config): boolean {
  if (!AT_ONCE.has(sectionOf(path))) return true;
  const key = AT_NEXT_START.find((one) => isBelow(path, one));
  if (key === 'auth.mode') return modesOf(before).join() !== modesOf(after).join();
  // without the mode it has no effect
  if (key?.startsWith('auth.embedded.')) return [before, after].some(({ auth }) => auth.mode.includes('embedded'));
  return key !== undefined;
}

/** What stays as it was with a change that waits: a key of the lists above, or the whole section. */
const keyOf = (path: string): string =>
  [...AT_NEXT_START, ...TOGETHER].find((one) => isBelow(path, one)) ?? sectionOf(path);

const modesOf = ({ auth }: Config): readonly AuthMode[] => FIXED_MODES.filter((one) => auth.mode.includes(one));

const sectionOf = (path: string): string => path.split('.', 1)[0]!;

const isBelow = (path: string, key: string): boolean => path === key || path.startsWith(`${key}.`);

/** A config with the value that a key has in another one; without the key, where the other one has none. */
function withKeyOf<T extends object>(from: T, to: T, [key = '', ...rest]: readonly string[]): T {
  const [theirs, ours] = [memberOf(from, key), memberOf(to, key)];
  const value = rest.length > 0 ? withKeyOf(theirs as object, ours as object, rest) : theirs;
  const { [key]: _, ...others } = to as Record<string, unknown>;
  return { ...others, ...(value !== undefined && { [key]: value }) } as T;
}

const memberOf = (map: object, key: string): unknown => (map as Record<string, unknown>)[key];
