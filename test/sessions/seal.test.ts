/** Sealed texts open for whom they were sealed, as they were sealed, and for nobody else. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { owned, ownerOf } from '../../src/sessions/owner.ts';
import { freshKey, Sealer } from '../../src/sessions/seal.ts';
import { sealKeys } from '../../src/sessions/seal-keys.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { Vault } from '../../src/storage/vault.ts';
import { memoryLog } from '../upstreams/memory-log.ts';

const DAY = 86_400_000;

describe('a sealed text', () => {
  const sealer = new Sealer();

  test('opens for what it is bound to, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, bound) => {
        expect(sealer.open(sealer.seal(text, bound), bound)).toBe(text);
        expect(sealer.open(sealer.sealId(text, bound), bound)).toBe(text);
      }),
    );
  });

  test('#108 does not open for anybody else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (text, bound, other) => {
        fc.pre(bound !== other);
        expect(sealer.open(sealer.seal(text, bound), other)).toBeUndefined();
        expect(sealer.open(sealer.sealId(text, bound), other)).toBeUndefined();
      }),
    );
  });

  test('#107 does not open with any character changed, added or taken away', () => {
    const sealed = sealer.seal('{"a":1}', 'alice');
    for (let i = 0; i < sealed.length; i++) {
      const flipped = sealed[i] === 'A' ? 'B' : 'A';
      expect(sealer.open(sealed.slice(0, i) + flipped + sealed.slice(i + 1), 'alice')).toBeUndefined();
      expect(sealer.open(sealed.slice(0, i) + sealed.slice(i + 1), 'alice')).toBeUndefined();
    }
    for (const more of ['A', '=', ' ', '.']) expect(sealer.open(sealed + more, 'alice')).toBeUndefined();
    for (const text of ['', 'g1', 'g1..', 'g1.x.', `g1.x.${randomBytes(80).toString('base64url')}`])
      expect(sealer.open(text, 'alice')).toBeUndefined();
  });

  test('is another one each time, and an id is always the same', () => {
    expect(sealer.seal('x', 'a')).not.toBe(sealer.seal('x', 'a'));
    expect(sealer.sealId('x', 'a')).toBe(sealer.sealId('x', 'a'));
    expect(sealer.sealId('x', 'a')).not.toBe(sealer.sealId('x', 'b'));
    expect(sealer.sealId('x', 'a')).toMatch(/^[\w.-]+$/);
  });

  test('#110 opens after a rotation, and no longer once its key is gone', () => {
    const [old, next] = [freshKey(), freshKey()];
    const sealed = new Sealer([old]).seal('x', 'a');
    expect(new Sealer([next, old]).open(sealed, 'a')).toBe('x');
    expect(new Sealer([next]).open(sealed, 'a')).toBeUndefined();
  });
});

describe('the worker that a handle names', () => {
  const sealer = new Sealer();

  test('stands before it, and nothing does where there is one process', () => {
    expect(owned('abc', undefined)).toBe('abc');
    expect([1, 12, 999].map((worker) => ownerOf(owned('abc', worker)))).toEqual([1, 12, 999]);
    for (const handle of ['abc', '', 'w.abc', 'w0.abc', 'w01.abc', 'w1abc', 'W1.abc', ' w1.abc', 'w1000.abc'])
      expect(ownerOf(handle)).toBeUndefined();
  });

  test('is sealed with what is sealed: nobody can name another one, or none', () => {
    for (const sealed of [sealer.seal('x', 'a', 2), sealer.sealId('x', 'a', 2)]) {
      expect(ownerOf(sealed)).toBe(2);
      expect(sealer.open(sealed, 'a')).toBe('x');
      const rest = sealed.slice('w2.'.length);
      for (const forged of [rest, `w1.${rest}`, `w22.${rest}`, `w2.${sealed}`, `w02.${rest}`])
        expect(sealer.open(forged, 'a')).toBeUndefined();
    }
    expect(sealer.open(`w2.${sealer.seal('x', 'a')}`, 'a')).toBeUndefined();
  });
});

describe('keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-test-'));
  const vault = new Vault(randomBytes(32));
  let database: Database | undefined;
  const open = (): Database => (database = openDatabase(folder, memoryLog().log));
  afterEach(() => {
    database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('stay the same from one run to the next, are replaced in time, and open for longer than they seal', () => {
    const now = Date.now();
    const [first] = sealKeys(open(), vault, now);
    database!.close();
    expect(sealKeys(open(), vault, now + DAY)).toEqual([first]);
    const [second, ...others] = sealKeys(database, vault, now + 31 * DAY);
    expect(second.id).not.toBe(first.id);
    expect(others).toEqual([first]);
    expect(sealKeys(database, vault, now + 95 * DAY).map(({ id }) => id)).not.toContain(first.id);
  });

  test('are of no use without the key of the vault, and others are made then', () => {
    const [first] = sealKeys(open(), vault);
    const stored = database!.attempt((db) => JSON.stringify(db.prepare('SELECT * FROM seal_keys').all()));
    expect(stored).not.toContain(first.key.toString('base64'));
    const other = new Vault(randomBytes(32));
    const [next, ...rest] = sealKeys(database, other);
    expect([next.id === first.id, rest]).toEqual([false, []]);
    expect(sealKeys(database, other)[0]).toEqual(next);
  });

  test('without a database there is one for this run', () => {
    expect(sealKeys(undefined, vault)[0].key).toHaveLength(32);
  });
});
