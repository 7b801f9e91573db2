/** What is valid in profiles and a policy, and yet probably not meant. */
import type { Finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Config } from './schema.ts';

/** Patterns of upstreams that there are not, and conditions that nobody meets. */
export function* accessWarnings(config: Config): Iterable<Finding> {
  const { profiles, policy = [], auth } = config;
  for (const [name, { include, exclude, scopes }] of Object.entries(profiles)) {
    yield* strangers(config, include, ['profiles', name, 'include']);
    yield* strangers(config, exclude, ['profiles', name, 'exclude']);
    if (scopes.length > 0 && auth.mode.includes('none')) yield noTokens(['profiles', name, 'scopes'], 'has no effect');
  }
  for (const [i, { allow, deny, unless, ...who }] of policy.entries()) {
    yield* strangers(config, allow, ['policy', i, 'allow']);
    yield* strangers(config, deny, ['policy', i, 'deny']);
    for (const [at, one] of [[['policy', i], who] as const, [['policy', i, 'unless'], unless ?? {}] as const]) {
      yield* unknownProfiles(config, one.profiles, [...at, 'profiles']);
      if (!auth.mode.includes('none')) continue;
      for (const key of ['groups', 'clients', 'issuers', 'scopes', 'claims'] as const)
        if (one[key] !== undefined) yield noTokens([...at, key]);
    }
  }
  if (policy.length > 0 && policy.every(({ allow }) => allow === undefined)) {
    yield {
      path: ['policy'],
      message: 'allows nobody anything: what no rule allows is refused',
      mend: 'add a rule such as { allow: ["*"] }',
      subject: 'none',
    };
  }
}

/** Patterns that fit no upstream. A disabled one may be there again tomorrow. */
function* strangers(
  { upstreams }: Config,
  patterns: readonly string[] | undefined,
  path: readonly PropertyKey[],
): Iterable<Finding> {
  const names = Object.keys(upstreams);
  for (const [i, pattern] of (patterns ?? []).entries()) {
    const upstream = pattern.split('/', 1)[0]!;
    // names may have slashes as well
    if (upstream.includes('*') || names.some((name) => name === upstream || pattern.startsWith(`${name}/`))) continue;
    const close = nearest(upstream, names);
    yield {
      path: [...path, i],
      message: 'fits nothing: there is no such upstream',
      mend: close === undefined ? 'write upstream/item, with * for any text' : `did you mean "${close}"?`,
    };
  }
}

function* unknownProfiles(
  { profiles }: Config,
  patterns: readonly string[] | undefined,
  path: readonly PropertyKey[],
): Iterable<Finding> {
  const names = [...new Set(['default', ...Object.keys(profiles)])];
  for (const [i, pattern] of (patterns ?? []).entries()) {
    if (pattern.includes('*') || names.includes(pattern)) continue;
    const close = nearest(pattern, names);
    const mend = close === undefined ? `the profiles are ${names.join(', ')}` : `did you mean "${close}"?`;
    yield { path: [...path, i], message: 'is no profile', mend };
  }
}

const noTokens = (path: readonly PropertyKey[], what = 'fits nobody'): Finding => ({
  path,
  message: `${what}: with auth.mode none there are no tokens`,
  mend: 'choose another auth.mode, or delete this',
  subject: 'none',
});
