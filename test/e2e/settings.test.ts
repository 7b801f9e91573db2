/** Settings whose effect is seen in the process itself: its log, and the files that it keeps. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { start } from './cli-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-settings-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  ['pretty', /^\S*\[?.*listening/m],
  ['json', /^\{.*"msg":"listening"/m],
])('log.format: %s', async (format, line) => {
  const file = join(folder, `${format}.yaml`);
  await writeFile(file, `server: { port: 0 }\nauth: { mode: none }\nlog: { format: ${format} }\nupstreams: {}\n`);
  const running = start(['serve', '--config', file]);
  await expect.poll(() => running.stderr, { timeout: 10_000 }).toMatch(line);
  running.child.kill('SIGTERM');
  const { stderr } = await running.ended;
  expect(stderr.includes('{"level"')).toBe(format === 'json');
});

it('storage.key: with a key of its own no file with one is made', async () => {
  const kept = join(folder, 'kept');
  const key = 'k'.repeat(40);
  const gateway = await startGateway({ config: { storage: { folder: kept, key }, upstreams: {} } });
  await gateway.stop();
  expect(await readdir(kept)).toContain('patchbay.db');
  expect(await readdir(kept)).not.toContain('secret.key');
});

it('auth.insecure: mode none at an address that others can reach', async () => {
  const gateway = await startGateway({
    config: { server: { host: '0.0.0.0', port: 0 }, auth: { mode: 'none', insecure: true }, upstreams: {} },
  });
  expect(await gateway.stop()).toEqual({ code: 0 });
});
