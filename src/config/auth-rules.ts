/** What must hold between the keys of the section `auth`. */
import type { AuthMode, AuthSection } from './auth.ts';
import type { Finding } from './finding.ts';

/** The modes that need issuers, and the keys that list them; the names are the same. */
const LISTS = ['jwt', 'introspection'] as const;

/** Modes that make no sense as they stand, and issuers that are there twice. */
export function* authProblems(auth: AuthSection): Iterable<Finding> {
  const { mode } = auth;
  if (mode.includes('none') && mode.length > 1) {
    yield {
      path: ['auth', 'mode'],
      message: 'lets everyone in, and asks for credentials as well',
      mend: 'delete none, or all others',
      subject: 'none',
    };
  }
  for (const list of LISTS) {
    if (mode.includes(list) && auth[list].length === 0) {
      const mend = `name one under auth.${list}, or take ${list} out of auth.mode`;
      yield {
        path: ['auth', list],
        message: 'is empty: there is no issuer whose tokens would be good',
        mend,
        subject: 'none',
      };
    }
    const seen = new Set<string>();
    for (const [i, { issuer }] of auth[list].entries()) {
      if (seen.has(issuer)) {
        yield {
          path: ['auth', list, i, 'issuer'],
          message: 'is there twice',
          mend: 'put all about one issuer into one item',
        };
      }
      seen.add(issuer);
    }
  }
}

/** What is configured and has no effect. */
export function* authWarnings(auth: AuthSection): Iterable<Finding> {
  const off = (mode: AuthMode): boolean => !auth.mode.includes(mode);
  for (const list of LISTS) {
    if (auth[list].length === 0 || !off(list)) continue;
    const mend = `add ${list} to auth.mode`;
    yield {
      path: ['auth', list],
      message: `has no effect, since auth.mode is ${auth.mode.join(', ')}`,
      mend,
      subject: 'none',
    };
  }
  const { required, rules } = auth.scopes;
  if (off('none') || required.length + rules.length === 0) return;
  yield {
    path: ['auth', 'scopes'],
    message: 'has no effect: with auth.mode none there are no tokens',
    mend: 'choose another auth.mode',
    subject: 'none',
  };
}
