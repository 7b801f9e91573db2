/** Tasks that outlive the process: whose they are and what came of them is not to be read without the key. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { principalOf } from '../../src/auth/principal.ts';
import { HostedTask } from '../../src/methods/hosted-task.ts';
import { HostedTasks } from '../../src/methods/hosted-tasks.ts';
import type { Call } from '../../src/protocol/call.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { Vault } from '../../src/storage/vault.ts';
import { memoryLog } from '../upstreams/memory-log.ts';

const ann = principalOf({ issuer: 'https://idp.example', subject: 'ann@example.com', scopes: [] });
const bob = principalOf({ issuer: 'https://idp.example', subject: 'bob@example.com', scopes: [] });
const vault = new Vault(randomBytes(32));

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-tasks-'));
  database = openDatabase(folder, memoryLog().log);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a process finds that starts on the same file. */
const after = (key = vault): HostedTasks => new HostedTasks(10, { database, vault: key });

function begin(): HostedTask {
  const call = { principal: ann, client: { profile: 'default' } } as unknown as Call;
  const task = new HostedTask(call, 60_000);
  after().add(task);
  return task;
}

test('they are found after a restart by their principal alone, and with the key alone', () => {
  const { id } = begin();
  expect(after().get(id, ann)).toMatchObject({ id, status: 'failed', profile: 'default' });
  expect(
    after()
      .list(ann, 'default')
      .map((task) => task.id),
  ).toEqual([id]);
  expect(after().get(id, bob)).toBeUndefined();
  expect(after().list(bob, 'default')).toEqual([]);
  expect(after(new Vault(randomBytes(32))).get(id, ann)).toBeUndefined();
});

test('the files tell nothing of them', () => {
  const { id } = begin();
  const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1'));
  expect(bytes.join('')).toContain('tasks');
  for (const secret of [id, 'ann@example.com', 'idp.example', 'working', 'createdAt'])
    expect(bytes.filter((text) => text.includes(secret))).toEqual([]);
});

test('one that is moved to another place is not opened there', () => {
  const [first, second] = [begin(), begin()];
  database.attempt((db) => {
    const [one, two] = db.prepare('SELECT id, record FROM tasks').all();
    const put = db.prepare('UPDATE tasks SET record = ? WHERE id = ?');
    put.run(one!.record!, two!.id!);
    put.run(two!.record!, one!.id!);
  });
  expect([after().get(first.id, ann), after().get(second.id, ann)]).toEqual([undefined, undefined]);
});

test('those of principals whose credentials were taken back are gone', () => {
  const { id } = begin();
  after().drop(new Set([bob.key]));
  expect(after().get(id, ann)).toBeDefined();
  after().drop(new Set([ann.key]));
  expect(after().get(id, ann)).toBeUndefined();
});
