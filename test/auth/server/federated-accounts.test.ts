/** What is kept of people whom a provider vouched for, and of the questions put to it. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { Accounts } from '../../../src/auth/server/accounts.ts';
import { Records } from '../../../src/auth/server/records.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { Vault } from '../../../src/storage/vault.ts';

const PERSON = { label: 'ada', name: undefined, email: undefined, groups: [], verified: false };
const records = () => new Records(openDatabase(undefined, pino({ enabled: false })), new Vault(randomBytes(32)));

afterEach(() => vi.useRealTimers());

test('a subject of another provider is another person', () => {
  const kept = records();
  const { id } = new Accounts(undefined, kept, 'https://one.example').federated('1', PERSON, 60);
  expect(new Accounts(undefined, kept, 'https://one.example').find(id)).toMatchObject({ label: 'ada' });
  const other = new Accounts(undefined, kept, 'https://two.example');
  expect(other.find(id)).toBeUndefined();
  expect(other.federated('1', PERSON, 60).id).not.toBe(id);
  expect(new Accounts(undefined, kept, undefined).find(id)).toBeUndefined();
});

test('domains hold for those, too, who signed in before there were any', () => {
  const kept = records();
  const before = new Accounts(undefined, kept, 'https://one.example');
  const told = { ...PERSON, email: 'ada@engines.example', verified: true };
  const [inside, unsure, outside] = [
    before.federated('1', told, 60),
    before.federated('2', { ...told, verified: false }, 60),
    before.federated('3', { ...told, email: 'eve@elsewhere.example' }, 60),
  ];
  const now = new Accounts(undefined, kept, 'https://one.example', ['engines.example']);
  expect([inside, unsure, outside].map(({ id }) => now.find(id) !== undefined)).toEqual([true, false, false]);
});

test('a question to the provider is over after its time', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const kept = records();
  kept.put('Federation', 'state', { step: 'a step' }, 600);
  vi.advanceTimersByTime(599_000);
  expect(kept.get('Federation', 'state')).toMatchObject({ step: 'a step' });
  vi.advanceTimersByTime(1_000);
  expect(kept.get('Federation', 'state')).toBeUndefined();
});
