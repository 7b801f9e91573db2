/** A running gateway with several config files: conf.d, secret folders, and files that are half-written. */
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

let gateway: Gateway;
let client: RawClient;
let remote: ScriptedUpstream;
let confD: string;
let secrets: string;

beforeEach(async () => {
  remote = await startUpstream({
    tools: [tool('far')],
    handlers: { 'tools/call': ({ headers }) => textResult(`with ${headers.authorization}`) },
  });
  gateway = await startGateway({
    config: {
      server: { port: 0 },
      lists: { firstWait: '30s' },
      secrets: { folders: ['secrets'] },
      upstreams: { local: stdioPeer() },
    },
  });
  confD = join(dirname(gateway.configPath), 'conf.d');
  secrets = join(dirname(gateway.configPath), 'secrets');
  await mkdir(secrets);
  await writeFile(join(secrets, 'token'), 'first\n');
  client = await RawClient.open(gateway.url);
});
afterEach(async () => {
  await gateway?.stop();
  await remote?.close();
});

const logged = (msg: string) => gateway.logs.filter((line) => String(line.msg).startsWith(msg));
const applied = () => logged('config applied').map(({ changes }) => changes);
const expectApplied = (...changes: string[][]) => poll(applied, 20_000).toEqual(changes);
const far = () => ({ url: remote.url, headers: { Authorization: `Bearer \${secret:token}` } });
const call = async () => (await client.request('tools/call', { name: 'far__far' })).result;

test('an upstream comes with a file in conf.d, changes with it, and goes with it', async () => {
  await mkdir(confD);
  const file = join(confD, 'far.yaml');
  await writeFile(file, stringify({ upstreams: { far: far() } }));
  await expectApplied(['upstreams.far: added']);
  expect(await call()).toMatchObject(textResult('with Bearer first'));
  await writeFile(file, stringify({ upstreams: { far: { ...far(), timeouts: { call: '9s' } } } }));
  await expectApplied(['upstreams.far: added'], ['upstreams.far.timeouts.call: 5m → 9s']);
  await rm(file);
  await poll(() => applied().at(-1), 20_000).toEqual(['upstreams.far: removed']);
});

test('a secret in a folder that changes is noticed, and so is one in a folder that comes first', async () => {
  await mkdir(confD);
  await writeFile(join(confD, 'far.yaml'), stringify({ upstreams: { far: far() } }));
  await expectApplied(['upstreams.far: added']);
  expect(await call()).toMatchObject(textResult('with Bearer first'));
  await writeFile(join(secrets, 'token~'), 'second\n');
  await rename(join(secrets, 'token~'), join(secrets, 'token'));
  await expectApplied(['upstreams.far: added'], ['upstreams.far.headers.Authorization: changed']);
  expect(await call()).toMatchObject(textResult('with Bearer second'));
  expect(JSON.stringify(gateway.logs)).not.toMatch(/Bearer (first|second)/);
});

test('a file that is half-written changes nothing, and neither does one with a mistake; both are told', async () => {
  await mkdir(confD);
  const file = join(confD, 'far.yaml');
  await writeFile(file, 'upstreams:\n');
  // what is there so far would be valid each time
  for (const piece of ['  far:\n', `    url: ${remote.url}\n`, '    sharing: shared\n']) {
    await delay(60);
    await appendFile(file, piece);
  }
  await expectApplied(['upstreams.far: added']);
  await writeFile(file, '');
  await poll(() => logged('config not applied').length, 20_000).toBe(1);
  await writeFile(file, 'upstreams: { local: { command: other } }\n');
  await poll(() => logged('config not applied').length, 20_000).toBe(2);
  const [first, second] = logged('config not applied').map(({ problems }) => String(problems));
  expect(first).toContain('far.yaml: the file is empty');
  expect(second).toMatch(/far\.yaml:1:14 upstreams\.local: is also in .*patchbay\.yaml:\d+:3; rename/);
  expect(await call()).toMatchObject(textResult('with undefined'));
  expect(applied()).toHaveLength(1);
});
