/** Policies and profiles by themselves: which rule decides, about whom. */
import { describe, expect, test } from 'vitest';
import { Grants } from '../../src/auth/grants.ts';
import { hintsOf, type Item, itemPattern } from '../../src/auth/items.ts';
import { principalOf } from '../../src/auth/principal.ts';
import { Profiles } from '../../src/auth/profiles.ts';
import { deciding } from '../../src/auth/rules.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Principal } from '../../src/protocol/call.ts';

const AUTH = 'auth: { mode: apiKeys, scopes: { includes: { admin: [write] } } }';

function configOf(text: string) {
  const result = parseConfig(`${AUTH}\nupstreams: { docs: { command: run } }\n${text}`, { file: 'x.yaml', env: {} });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.config;
}

function grantsOf(text: string): Grants {
  const { profiles, policy, auth } = configOf(text);
  return new Grants(new Profiles(profiles, auth.scopes, '1'), policy);
}

const someone = (more: Partial<Parameters<typeof principalOf>[0]> = {}): Principal =>
  principalOf({ issuer: 'https://login.example.com', subject: 'ann', clientId: 'app', scopes: [], ...more });

const tool = (name: string, annotations: object = {}, upstream = 'docs'): Item => ({
  upstream,
  kind: 'tools',
  name,
  hints: hintsOf(annotations),
});

/** The label of the rule that decides about `docs/search`, with a sign for what it decides. */
function ruling(policy: string, principal: Principal = someone(), item: Item = tool('search'), profile = 'default') {
  const grant = grantsOf(`profiles: { research: {} }\npolicy:\n${policy}`).of(principal, profile);
  const rule = deciding(grant!.policy!, item);
  return rule && `${rule.effect === 'allow' ? '+' : '-'} ${rule.label}`;
}

describe('what decides', () => {
  test('what no rule allows is refused', () => {
    expect(ruling('  - { allow: ["files/*"] }')).toBeUndefined();
    expect(ruling('  - { allow: ["docs/*"], users: [bob] }')).toBeUndefined();
  });

  test('a rule that denies wins wherever it stands', () => {
    const deny = '  - { deny: ["*/search"] }';
    const allow = '  - { name: all, allow: ["*"] }';
    expect(ruling(`${allow}\n${deny}`)).toBe('- policy[1]');
    expect(ruling(`${deny}\n${allow}`)).toBe('- policy[0]');
    expect(ruling(allow)).toBe('+ policy[0] "all"');
  });

  test('the first of several that allow is named', () => {
    expect(ruling('  - { allow: ["x"] }\n  - { allow: [docs] }\n  - { allow: ["*"] }')).toBe('+ policy[1]');
  });

  test('without a policy and a selection nothing is looked up', () => {
    expect(grantsOf('profiles: { a: { title: A } }').of(someone(), 'a')).toBeUndefined();
    expect(grantsOf('profiles: { a: { include: [docs] } }').of(someone(), 'default')).toBeUndefined();
  });

  test('at a profile that is gone there is nothing', () => {
    expect(grantsOf('profiles: { a: { include: [docs] } }').of(someone(), 'b')?.selection).toEqual([]);
  });
});

describe('who a rule is about', () => {
  test.each([
    ['users: [ann]', someone()],
    ['users: ["a*"]', someone()],
    ['groups: [eng, ops]', someone({ groups: ['ops'] })],
    ['clients: [app]', someone()],
    ['issuers: ["https://login.*"]', someone()],
    ['scopes: [write]', someone({ scopes: ['write'] })],
    ['scopes: [write]', someone({ scopes: ['admin'] })],
    ['claims: { department: [sales, "it-*"] }', someone({ claims: new Map([['department', ['hr', 'it-2']]]) })],
    ['profiles: [default]', someone()],
    ['users: [ann], groups: [eng]', someone({ groups: ['eng'] })],
    ['users: ["*"], unless: { users: [bob] }', someone()],
    ['unless: { users: [ann], groups: [eng] }', someone()],
  ])('{ %s } is', (who, principal) => {
    expect(ruling(`  - { allow: ["*"], ${who} }`, principal)).toBe('+ policy[0]');
  });

  test.each([
    ['users: [an]', someone()],
    ['users: [ANN]', someone()],
    ['groups: [eng]', someone({ groups: ['engineers'] })],
    ['groups: ["*"]', someone()],
    ['clients: ["*"]', someone({ clientId: undefined })],
    ['issuers: ["patchbay:keys"]', someone()],
    ['scopes: [admin]', someone({ scopes: ['write'] })],
    ['claims: { department: [sales] }', someone()],
    ['claims: { department: [sales], site: [x] }', someone({ claims: new Map([['department', ['sales']]]) })],
    ['profiles: [research]', someone()],
    ['users: [ann], groups: [eng]', someone()],
    ['unless: { users: [ann] }', someone()],
  ])('{ %s } is not', (who, principal) => {
    expect(ruling(`  - { allow: ["*"], ${who} }`, principal)).toBeUndefined();
  });

  test('one who has connected to a profile', () => {
    const rule = '  - { allow: ["*"], profiles: [research] }';
    expect(ruling(rule, someone(), tool('search'), 'research')).toBe('+ policy[0]');
  });

  test('those about whom the same rules are have one grant', () => {
    const grants = grantsOf('policy: [{ allow: ["docs/*"] }, { deny: ["docs/x"], groups: [eng] }]');
    const [ann, bob, eve] = [someone(), someone({ subject: 'bob' }), someone({ subject: 'eve', groups: ['eng'] })];
    expect(grants.of(ann, 'default')).toBe(grants.of(bob, 'default'));
    expect(grants.of(ann, 'default')).toBe(grants.of(ann, 'default'));
    expect(grants.of(ann, 'default')).not.toBe(grants.of(eve, 'default'));
  });
});

describe('what a tool says of itself', () => {
  test('nothing means what the specification says', () => {
    const said = { readOnly: false, destructive: true, idempotent: false, openWorld: true };
    expect(hintsOf(undefined)).toEqual(said);
    expect(hintsOf({ readOnlyHint: 'yes', destructiveHint: null })).toEqual(said);
  });

  test('what is read-only destroys nothing', () => {
    expect(hintsOf({ readOnlyHint: true, destructiveHint: true })).toMatchObject({
      readOnly: true,
      destructive: false,
      idempotent: true,
    });
  });

  test.each([
    ['readOnly: true', { readOnlyHint: true }, true],
    ['readOnly: true', {}, false],
    ['readOnly: false', {}, true],
    ['destructive: true', {}, true],
    ['destructive: false', { destructiveHint: false }, true],
    ['destructive: true', { readOnlyHint: true }, false],
    ['idempotent: true', { idempotentHint: true }, true],
    ['openWorld: false', { openWorldHint: false }, true],
    ['openWorld: true', {}, true],
    ['readOnly: false, openWorld: false', { openWorldHint: true }, false],
  ])('{ %s } and %j', (condition, annotations, fits) => {
    const found = ruling(`  - { allow: ["*"], ${condition} }`, someone(), tool('search', annotations));
    expect(found).toBe(fits ? '+ policy[0]' : undefined);
  });

  test('rules about that are about tools alone', () => {
    const prompt: Item = { upstream: 'docs', kind: 'prompts', name: 'search' };
    expect(ruling('  - { allow: ["*"], readOnly: false }', someone(), prompt)).toBeUndefined();
    expect(ruling('  - { allow: ["*"] }\n  - { deny: ["*"], destructive: true }', someone(), prompt)).toBe(
      '+ policy[0]',
    );
  });

  test('kinds: resources are those with a template as well', () => {
    const rule = '  - { allow: ["*"], kinds: [resources] }';
    expect(ruling(rule, someone(), { upstream: 'docs', kind: 'resourceTemplates', name: 'a:{b}' })).toBe('+ policy[0]');
    expect(ruling(rule, someone(), { upstream: 'docs', kind: 'resources', name: 'a:b' })).toBe('+ policy[0]');
    expect(ruling(rule)).toBeUndefined();
  });
});

describe('patterns', () => {
  test.each([
    ['docs/*', 'docs', 'search', true],
    ['docs', 'docs', 'search', true],
    ['*', 'docs', 'file:///x/y', true],
    ['docs/search', 'docs', 'search', true],
    ['docs/search', 'docs', 'searching', false],
    ['doc/*', 'docs', 'search', false],
    ['*/delete_*', 'docs', 'delete_all', true],
    ['*/delete_*', 'docs', 'file:///delete_all', false],
    ['docs/file:///a/*', 'docs', 'file:///a/b/c', true],
    ['docs/file:///a/*', 'docs', 'file:///b', false],
    ['d*s/s*h', 'docs', 'search', true],
    ['a/b/echo', 'a/b', 'echo', true],
    ['a/b/echo', 'a', 'b/echo', true],
    ['*/echo', 'a/b', 'echo', true],
    ['a', 'a/b', 'echo', false],
    ['a/b', 'a/b', 'echo', true],
    ['a/*', 'a/b', 'echo', false],
  ])('%s and %s/%s: %s', (pattern, upstream, name, fits) => {
    expect(itemPattern(pattern).fits(upstream, name)).toBe(fits);
  });
});
