/** storage.folder: where a gateway keeps what outlives it, and that trouble there stops nothing. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';

let folder: string;
let upstream: ScriptedUpstream;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-state-'));
  upstream = await startUpstream({ tools: [tool('one')] });
});

afterEach(async () => {
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

const configOf = (storage: object | undefined) => ({
  ...(storage && { storage }),
  upstreams: { up: { url: upstream.url } },
});

/** Runs a gateway, lists once, looks at it. @returns its warnings */
async function warningsOf(
  storage: object | undefined,
  { look, ...options }: { env?: Record<string, string>; shell?: string; look?: (gateway: Gateway) => void } = {},
): Promise<string[]> {
  const gateway = await startGateway({ config: configOf(storage), ...options });
  try {
    const session = await Session.open(gateway.url);
    expect(await session.names()).toEqual(['up__one']);
    look?.(gateway);
    return gateway.logs.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));
  } finally {
    expect(await gateway.stop()).toEqual({ code: 0 });
  }
}

test('is made where it is not there, and holds two files when the gateway has ended', async () => {
  const deep = join(folder, 'a', 'b');
  expect(await warningsOf({ folder: deep })).toEqual([]);
  expect(readdirSync(deep)).toEqual(['patchbay.db', 'secret.key']);
});

test('starts beside the config file where it is relative', async () => {
  const look = ({ configPath }: Gateway) =>
    expect(existsSync(join(dirname(configPath), 'kept', 'patchbay.db'))).toBe(true);
  await warningsOf({ folder: './kept' }, { look });
});

test('is by default what systemd gives, else that of XDG, else in the home folder', async () => {
  const [systemd, xdg, home] = ['systemd', 'xdg', 'home'].map((name) => join(folder, name)) as [string, string, string];
  const env = { STATE_DIRECTORY: systemd, XDG_STATE_HOME: xdg, HOME: home };
  await warningsOf(undefined, { env });
  expect(readdirSync(folder)).toEqual(['systemd']);
  await warningsOf(undefined, { env: { ...env, STATE_DIRECTORY: '' } });
  expect(readdirSync(join(xdg, 'patchbay'))).toEqual(['patchbay.db', 'secret.key']);
  await warningsOf(undefined, { env: { ...env, STATE_DIRECTORY: '', XDG_STATE_HOME: '' } });
  expect(readdirSync(join(home, '.local', 'state', 'patchbay'))).toEqual(['patchbay.db', 'secret.key']);
  expect(readdirSync(systemd)).toEqual(['patchbay.db', 'secret.key']);
});

test('may be none, and then nothing is kept', async () => {
  expect(await warningsOf({ folder: 'none' }, { env: { STATE_DIRECTORY: folder, HOME: folder } })).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test('that cannot be made costs one warning', async () => {
  await writeFile(join(folder, 'plain'), '');
  const place = join(folder, 'plain', 'state');
  expect(await warningsOf({ folder: place })).toEqual([expect.stringContaining(`${place} cannot be made`)]);
});

test('that cannot be written costs one warning', async () => {
  const place = '/proc';
  expect(await warningsOf({ folder: place })).toEqual([expect.stringContaining(`${place}/patchbay.db cannot be made`)]);
});

test('with a damaged file in it costs one warning and that file', async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'patchbay.db'), 'this is no database, whatever its name says '.repeat(200));
  const [warning, ...others] = await warningsOf({ folder });
  expect(others).toEqual([]);
  const names = readdirSync(folder).sort();
  expect(names).toEqual(['patchbay.db', expect.stringMatching(/^patchbay\.db\.corrupt-/), 'secret.key']);
  expect(warning).toContain(join(folder, names[1]!));
  expect(await warningsOf({ folder })).toEqual([]);
});

describe('on a full disk', () => {
  // a file cannot grow beyond so many blocks of 512 or 1024 bytes, whatever room there is
  const shell = (blocks: number) => `ulimit -f ${blocks}`;

  test('nothing can be begun: one warning', async () => {
    expect(await warningsOf({ folder }, { shell: shell(1) })).toEqual([
      expect.stringMatching(/^nothing is kept between runs: .*patchbay\.db cannot be opened.*room on its disk/),
    ]);
  });

  test('a large list cannot be kept, each time that it changes: one warning, and the next run knows less', async () => {
    const large = (name: string) => ({ ...tool(name), description: 'long '.repeat(100_000) });
    upstream.script.tools = [large('one')];
    const gateway = await startGateway({ config: configOf({ folder }), shell: shell(512) });
    try {
      const session = await Session.open(gateway.url);
      const stream = await session.listen();
      for (const name of ['two', 'three']) {
        upstream.script.tools = [large(name)];
        const announced = () => {
          // the gateway may not listen yet
          upstream.push({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
          return session.names();
        };
        await expect.poll(announced, { timeout: 10_000 }).toEqual([`up__${name}`]);
      }
      await stream.close();
      const warnings = gateway.logs.filter(({ level }) => level === 'warn');
      expect(warnings.map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/patchbay\.db cannot be used .*may not outlive this run.*room on its disk/),
      ]);
    } finally {
      expect(await gateway.stop()).toEqual({ code: 0 });
    }
    upstream.script.tools = [tool('one')];
    expect(await warningsOf({ folder })).toEqual([]);
  });
});
