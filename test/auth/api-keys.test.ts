import * as crypto from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addKey, allKeys, dropKeys, type NewKey } from '../../src/auth/api-key-store.ts';
import { checkSecret, hashSecret, makeKey, readKey } from '../../src/auth/api-key-text.ts';
import { ApiKeys } from '../../src/auth/api-keys.ts';
import { TokenCache } from '../../src/auth/token-cache.ts';
import { Fault } from '../../src/errors.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';

vi.mock('node:crypto', async (original) => {
  const actual = await original<typeof crypto>();
  return { ...actual, timingSafeEqual: vi.fn(actual.timingSafeEqual), hash: vi.fn(actual.hash) };
});

const log = pino({ enabled: false });
const DAY = 86_400_000;

let folder: string;
let gateway: Database;
/** The same file, as another process has it. */
let command: Database;
let keys: ApiKeys;
let cache: TokenCache;
let now: number;
let audited: unknown[][];
let revoked: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-keys-'));
  [gateway, command] = [openDatabase(folder, log), openDatabase(folder, log)];
  now = Date.now();
  [audited, revoked] = [[], []];
});
afterEach(() => {
  keys?.close();
  for (const database of [gateway, command]) database.close();
  rmSync(folder, { recursive: true, force: true });
});

const add = (name: string, more: Partial<NewKey> = {}): string =>
  command.attempt((db) => addKey(db, { name, scopes: ['mcp'], groups: [], until: undefined, ...more }))!;

const open = (): ApiKeys => {
  cache = new TokenCache();
  keys = new ApiKeys({
    database: gateway,
    cache,
    audit: (...line) => audited.push(line),
    onRevoked: (principals) => revoked.push(...principals),
    now: () => now,
  });
  return keys;
};

const refusal = async (token: string): Promise<string> => {
  const error = await keys.verify(token).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Fault);
  expect((error as Fault).fault).toBe('invalidToken');
  expect((error as Fault).message).not.toContain(token);
  return (error as Fault).message;
};

describe('a key', () => {
  test('is an id and a secret of 256 bits; only a hash of that is kept', () => {
    const text = add('ci');
    expect(text).toMatch(/^pbk_[0-9a-f]{12}_[0-9a-f]{64}$/);
    const { id, secret } = readKey(text)!;
    const [kept] = command.attempt(allKeys)!;
    expect(kept).toMatchObject({ id, name: 'ci' });
    expect(Buffer.from(kept!.hash)).toEqual(crypto.createHash('sha256').update(secret).digest());
    expect(JSON.stringify(command.attempt((db) => db.prepare('SELECT * FROM api_keys').all()))).not.toContain(secret);
  });

  test('says who calls, with which scopes and groups, and until when', async () => {
    const until = now + DAY;
    const text = add('ci', { scopes: ['tools:read'], groups: ['build'], until });
    expect(open().takes(text)).toBe(true);
    const { principal, until: believed } = await keys.verify(text);
    expect(believed).toBe(until);
    expect(principal).toEqual({
      ...{ key: '["patchbay:keys","ci",null,null]', issuer: 'patchbay:keys', subject: 'ci' },
      ...{ scopes: ['tools:read'], groups: ['build'], expiresAt: until },
    });
  });

  test('that has expired is refused, and is not believed beyond its end', async () => {
    const text = add('ci', { until: now + 300 });
    open();
    expect((await keys.verify(text)).until).toBe(now + 300);
    now += 300;
    expect(await refusal(text)).toMatch(/expired/);
  });

  test('of another name is another caller; of the same name the same', async () => {
    const [one, two, other] = [add('ci'), add('ci'), add('cd')];
    open();
    const found = await Promise.all([one, two, other].map((text) => keys.verify(text)));
    const [a, b, c] = found.map(({ principal }) => principal.key);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  test.each([
    ['another secret', (text: string) => text.replace(/.$/, (last) => (last === '0' ? '1' : '0')), /no such API key/],
    ['another id', (text: string) => text.replace(/_[0-9a-f]{12}_/, '_000000000000_'), /no such API key/],
    ['upper case', (text: string) => text.toUpperCase().replace('PBK', 'pbk'), /not spelled/],
    ['more behind it', (text: string) => `${text}0`, /not spelled/],
    ['nothing but the start', () => 'pbk_', /not spelled/],
  ])('with %s is none', async (_, change, why) => {
    const text = add('ci');
    open();
    expect(await refusal(change(text))).toMatch(why);
  });

  test('tokens of others are left to others', () => {
    open();
    for (const token of ['eyJhbGciOiJub25lIn0.e30.', 'PBK_x', '', 'xpbk_']) expect(keys.takes(token)).toBe(false);
  });
});

describe('while the gateway runs', () => {
  test('a key is good as soon as another process has made it; one taken back is noticed', async () => {
    open();
    const text = add('ci');
    await keys.verify(text);
    command.attempt((db) => dropKeys(db, 'ci'));
    await vi.waitFor(() => expect(keys.size).toBe(0), 5_000);
    expect(await refusal(text)).toMatch(/revoked/);
    expect(audited.map(([event]) => event)).toEqual(['key created', 'key revoked']);
    expect(audited[1]).toEqual(['key revoked', { key: 'ci', id: readKey(text)!.id }]);
    expect(revoked).toEqual(['["patchbay:keys","ci",null,null]']);
  });

  test('a caller with a second key goes on', async () => {
    const [first, second] = [add('ci'), add('ci')];
    open();
    command.attempt((db) => dropKeys(db, readKey(first)!.id));
    cache.set('first', await keys.verify(first));
    cache.set('second', await keys.verify(second));
    keys.look();
    expect([cache.get('first'), cache.get('second')]).toEqual([undefined, expect.anything()]);
    expect(revoked).toEqual([]);
    await expect(keys.verify(second)).resolves.toBeDefined();
    await refusal(first);
  });

  test('one that was made a moment ago is good at once', async () => {
    open();
    const text = add('ci');
    await expect(keys.verify(text)).resolves.toMatchObject({ principal: { subject: 'ci' } });
    expect(audited.map(([event]) => event)).toEqual(['key created']);
  });

  test('tables are not read when nobody else has written, nor when a key is used', async () => {
    const text = add('ci');
    open();
    const read = vi.spyOn(gateway, 'attempt');
    for (let i = 0; i < 100; i++) keys.used((await keys.verify(text)).principal, '192.0.2.1');
    expect(read).not.toHaveBeenCalled();
    for (let i = 0; i < 100; i++) keys.look();
    // one look at the version each, and no more
    expect(read).toHaveBeenCalledTimes(100);
  });

  test('when a key was used last is written down now and then, and at the end', async () => {
    const text = add('ci');
    const other = add('cd');
    open();
    const { principal } = await keys.verify(text);
    keys.used(principal, '192.0.2.1');
    now += 5_000;
    keys.used(principal, '192.0.2.1');
    const used = () => Object.fromEntries(command.attempt(allKeys)!.map(({ name, usedAt }) => [name, usedAt]));
    expect(used()).toEqual({ ci: undefined, cd: undefined });
    keys.note();
    expect(used()).toEqual({ ci: now, cd: undefined });
    keys.used((await keys.verify(other)).principal, '192.0.2.1');
    keys.close();
    expect(used()).toEqual({ ci: now, cd: now });
  });

  test('the use of a key is told once an hour for each address', async () => {
    const text = add('ci');
    open();
    for (let i = 0; i < 50; i++) {
      const { principal } = await keys.verify(text);
      keys.used(principal, i % 2 === 0 ? '192.0.2.1' : '192.0.2.2');
    }
    expect(audited).toEqual(
      ['192.0.2.1', '192.0.2.2'].map((address) => ['key used', { key: 'ci', id: readKey(text)!.id, address }]),
    );
    now += 3_600_000;
    keys.used((await keys.verify(text)).principal, '192.0.2.1');
    expect(audited).toHaveLength(3);
  });
});

describe('timing', () => {
  test('secrets are compared as digests of one length, by a function that takes as long for any', async () => {
    const text = add('ci');
    open();
    const compare = vi.mocked(crypto.timingSafeEqual);
    const digest = vi.mocked(crypto.hash);
    const parts = readKey(text)!;
    const wrong = [
      `pbk_${parts.id}_${'0'.repeat(64)}`,
      `pbk_${parts.id}_${parts.secret.slice(0, 63)}${parts.secret.endsWith('0') ? '1' : '0'}`,
      `pbk_000000000000_${parts.secret}`,
    ];
    for (const token of [text, ...wrong]) {
      compare.mockClear();
      digest.mockClear();
      await keys.verify(token).catch(() => undefined);
      // the same work for a good key, a bad one and an unknown one
      expect(digest).toHaveBeenCalledTimes(1);
      expect(compare).toHaveBeenCalledTimes(1);
      for (const side of compare.mock.calls[0]!) expect(side.byteLength).toBe(32);
    }
  });

  test('how much of a secret is right does not show: what is compared is its hash', () => {
    const { text } = makeKey();
    const { secret } = readKey(text)!;
    const near = `${secret.slice(0, 63)}${secret.endsWith('0') ? '1' : '0'}`;
    const [a, b] = [hashSecret(secret), hashSecret(near)];
    const same = a.filter((byte, i) => byte === b[i]).length;
    expect(same).toBeLessThan(8);
  });

  test('wrong at its start, wrong at its end, unknown: none takes many times as long as another', () => {
    const { text, hash } = makeKey();
    const { secret } = readKey(text)!;
    const flip = (at: number) => `${secret.slice(0, at)}${secret[at] === '0' ? '1' : '0'}${secret.slice(at + 1)}`;
    const cases = [
      () => checkSecret(flip(0), hash),
      () => checkSecret(flip(63), hash),
      () => checkSecret(secret, undefined),
    ];
    const best = cases.map(() => Number.POSITIVE_INFINITY);
    // the best of many rounds: what a busy machine adds is left out
    for (let round = 0; round < 60; round++) {
      for (const [i, check] of cases.entries()) {
        const start = process.hrtime.bigint();
        for (let n = 0; n < 200; n++) check();
        best[i] = Math.min(best[i]!, Number(process.hrtime.bigint() - start));
      }
    }
    expect(Math.max(...best) / Math.min(...best)).toBeLessThan(5);
  });
});
