import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindingOf, factsOf, principalOf } from '../../src/auth/principal.ts';

const names = { subject: 'sub', groups: 'groups' };

describe('the key of a principal', () => {
  const maybe = fc.option(fc.string(), { nil: undefined });
  const facts = fc.record({ issuer: fc.string(), subject: maybe, clientId: maybe, tenant: maybe });

  test('is equal for equal issuer, subject, client and tenant, and different otherwise', () => {
    fc.assert(
      fc.property(facts, facts, (one, other) => {
        const same = (['issuer', 'subject', 'clientId', 'tenant'] as const).every((key) => one[key] === other[key]);
        expect(principalOf({ ...one, scopes: ['a'] }).key === principalOf({ ...other, scopes: [] }).key).toBe(same);
      }),
    );
  });

  test('cannot be put together from other parts', () => {
    const one = principalOf({ issuer: 'i', subject: 's","c', clientId: undefined, scopes: [] });
    const other = principalOf({ issuer: 'i', subject: 's', clientId: 'c', scopes: [] });
    expect(one.key).not.toBe(other.key);
  });

  test('of a client for itself is not that of a user of the same name', () => {
    const machine = principalOf({ issuer: 'i', subject: undefined, clientId: 'c', scopes: [] });
    expect(machine.subject).toBe('c');
    expect(machine.key).not.toBe(principalOf({ issuer: 'i', subject: 'c', clientId: 'c', scopes: [] }).key);
  });
});

test('claims are looked up by name alone, and what is no text is none', () => {
  expect(factsOf('i', {}, { ...names, subject: 'constructor' })).toBeUndefined();
  expect(factsOf('i', { sub: {}, client_id: [] }, names)).toBeUndefined();
  expect(factsOf('i', { sub: 7, scope: { a: 1 }, groups: 'x' }, names)).toMatchObject({
    subject: '7',
    scopes: [],
    groups: ['x'],
  });
});

test('a binding is one to a key, or one that cannot be checked', () => {
  expect(bindingOf({})).toEqual({ other: false });
  expect(bindingOf({ cnf: { jkt: 'x' } })).toEqual({ jkt: 'x', other: false });
  for (const cnf of [{}, { jkt: '' }, { jkt: 1 }, 'x', 1, [], { 'x5t#S256': 'x' }])
    expect(bindingOf({ cnf }).other).toBe(true);
  expect(bindingOf({ cnf: { jkt: 'x', 'x5t#S256': 'y' } }).other).toBe(true);
});
