import { describe, expect, test } from 'vitest';
import { ScopePolicy, type ScopeSettings } from '../../src/auth/scopes.ts';
import { Fault } from '../../src/errors.ts';
import type { Principal } from '../../src/protocol/call.ts';

const policy = (settings: Partial<ScopeSettings>) =>
  new ScopePolicy({ required: [], rules: [], includes: {}, ...settings });
const withScopes = (...scopes: string[]): Principal => ({ key: 'k', subject: 's', scopes });
const call = (upstream: string, name: string, method = 'tools/call') => ({ method, item: { upstream, name } });

/** The scopes that a refusal names; `undefined` when there is none. */
function lacking(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    expect((error as Fault).fault).toBe('insufficientScope');
    return String((error as Fault).details.scope);
  }
}

describe('required scopes', () => {
  test('are asked of every token', () => {
    const rules = policy({ required: ['a', 'b'] });
    expect(lacking(() => rules.admit(withScopes('a', 'b', 'c')))).toBeUndefined();
    expect(lacking(() => rules.admit(withScopes('a')))).toBe('a b');
  });

  test('are none where everyone is let in', () => {
    const open = new ScopePolicy(undefined);
    expect(lacking(() => open.admit(withScopes()))).toBeUndefined();
    expect(lacking(() => open.allow(withScopes(), [call('x', 'y')]))).toBeUndefined();
  });
});

describe('rules', () => {
  const rules = policy({
    required: ['base'],
    rules: [
      { scopes: ['write'], methods: ['tools/call'], upstreams: ['git*'], items: ['create_*', 'delete'] },
      { scopes: ['git'], methods: undefined, upstreams: ['git*'], items: undefined },
      { scopes: ['files'], methods: ['resources/*'], upstreams: undefined, items: ['file:///etc/*'] },
      { scopes: ['lists'], methods: ['tools/list'], upstreams: undefined, items: undefined },
    ],
  });

  test('that fit count all, and a refusal names every scope that is needed, those that are there included', () => {
    const refused = lacking(() => rules.allow(withScopes('base', 'git'), [call('github', 'create_issue')]));
    expect(refused).toBe('base write git');
    const good = withScopes('base', 'git', 'write');
    expect(lacking(() => rules.allow(good, [call('github', 'create_issue')]))).toBeUndefined();
  });

  test('are about the methods, upstreams and items that they name', () => {
    expect(rules.needed(call('github', 'read'))).toEqual(['base', 'git']);
    expect(rules.needed(call('other', 'create_issue'))).toEqual(['base']);
    expect(rules.needed(call('gitlab', 'delete'))).toEqual(['base', 'write', 'git']);
    expect(rules.needed(call('gitlab', 'deleted'))).toEqual(['base', 'git']);
    expect(rules.needed(call('gitlab', 'delete', 'prompts/get'))).toEqual(['base', 'git']);
    expect(rules.needed(call('disk', 'file:///etc/passwd', 'resources/read'))).toEqual(['base', 'files']);
    expect(rules.needed(call('disk', 'file:///etc/passwd', 'resources/subscribe'))).toEqual(['base', 'files']);
  });

  test('that name a method and no item are about methods without one as well', () => {
    expect(rules.needed({ method: 'tools/list' })).toEqual(['base', 'lists']);
    expect(rules.needed({ method: 'prompts/list' })).toEqual(['base']);
  });

  test('of several operations at once add up', () => {
    const operations = [call('github', 'read'), { method: 'tools/list' }];
    expect(lacking(() => rules.allow(withScopes('base', 'git'), operations))).toBe('base git lists');
  });
});

describe('scopes that stand for others', () => {
  const rules = policy({
    required: ['read'],
    rules: [{ scopes: ['write'], methods: undefined, upstreams: undefined, items: undefined }],
    includes: { admin: ['write'], write: ['read', 'admin'], constructor: ['nothing'] },
  });

  test('do so over several steps, and in circles', () => {
    expect(lacking(() => rules.admit(withScopes('admin')))).toBeUndefined();
    expect(lacking(() => rules.allow(withScopes('admin'), [call('x', 'y')]))).toBeUndefined();
    expect(lacking(() => rules.allow(withScopes('read'), [call('x', 'y')]))).toBe('read write');
  });

  test('are looked up by name alone', () => {
    expect(lacking(() => rules.admit(withScopes('toString', '__proto__')))).toBe('read');
  });
});

describe('globs', () => {
  test.each([
    ['*', 'anything', true],
    ['*', '', true],
    ['a*', 'abc', true],
    ['a*', 'ba', false],
    ['*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*a', 'a', false],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxcyyb', false],
    ['a**c', 'abc', true],
    ['*ab*ab', 'ab', false],
    ['a.c', 'abc', false],
    ['A', 'a', false],
  ])('%s and %j: %s', (glob, text, fits) => {
    const rules = policy({ rules: [{ scopes: ['x'], methods: undefined, upstreams: undefined, items: [glob] }] });
    expect(rules.needed(call('u', text))).toEqual(fits ? ['x'] : []);
  });
});
