/** The very first start in front of many upstreams, some of them dead. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpFixture, startFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from '../gateway/client.ts';
import { type ScriptedUpstream, startUpstream, tool } from '../gateway/scripted-upstream.ts';
import { poll } from '../multiplexer/until.ts';

const TINY = fileURLToPath(new URL('../fixtures/tiny-upstream.sh', import.meta.url));
const LIVE = 25;
/** How much later than the others the slowest one answers. */
const SLOW_MS = 400;
/** How long the one that is a process takes to start, seconds. */
const START = 1.5;
const DEAD = ['refuses', 'mute', 'noCommand', 'exits', 'noName'];

let live: ScriptedUpstream[];
let mute: HttpFixture;
let folder: string;
let config: object;
/** When the slowest upstream gave its first answer. */
let slowest = 0;

const list = (gateway: Gateway) =>
  Session.open(gateway.url).then(async (session) => [session, await session.names()] as const);
const asked = () => live.reduce((sum, { received }) => sum + received.length, 0);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  live = await Promise.all(Array.from({ length: LIVE }, (_, i) => startUpstream({ tools: [tool(`tool${i}`)] })));
  const slow = live.at(-1)!;
  slow.script.handlers = {
    initialize: async ({ params }) => {
      await new Promise((done) => setTimeout(done, SLOW_MS));
      slowest = performance.now();
      return {
        protocolVersion: params?.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'slow', version: '1' },
      };
    },
  };
  mute = await startFixture('raw-upstream', { args: ['mute'] });
  const dead = {
    refuses: { url: 'http://127.0.0.1:1/mcp' },
    mute: { url: mute.url },
    noCommand: { command: 'patchbay-test-no-such-command' },
    exits: { command: process.execPath, args: ['-e', 'process.exit(3)'] },
    noName: { url: 'http://no-such-host.invalid/mcp' },
  };
  const starting = { command: 'sh', args: ['-c', `sleep ${START}; exec sh '${TINY}'`] };
  const upstreams = { ...dead, ...Object.fromEntries(live.map(({ url }, i) => [`live${i}`, { url }])), starting };
  // as it is by default
  config = { server: { port: 0 }, lists: { firstWait: '5s' }, storage: { folder }, upstreams };
});

afterAll(async () => {
  await Promise.all(live.map((upstream) => upstream.close()));
  await mute?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('#71 initialize and the first list come soon after the slowest upstream that lives, and later ones at once', async () => {
  const gateway = await startGateway({ config });
  const [session, names] = await list(gateway);
  const late = performance.now() - slowest - START * 1_000;
  const all = [...live.map((_, i) => `live${i}__tool${i}`), 'starting__pid'];
  expect(names).toEqual(all);
  expect(late).toBeLessThan(1_000);
  const { _meta } = await session.result('tools/list');
  expect((_meta as Record<string, string[]>)['patchbay/missing']!.toSorted()).toEqual(DEAD.toSorted());

  const before = asked();
  const began = performance.now();
  const again = await list(gateway);
  expect([again[1], asked()]).toEqual([names, before]);
  expect(performance.now() - began).toBeLessThan(500);
  await gateway.stop();

  const restarted = await startGateway({ config });
  const since = performance.now();
  expect((await list(restarted))[1]).toEqual(names);
  // the dead ones are not known from before, so they are waited for as the first time
  expect(performance.now() - since).toBeLessThan(2_500);
  await poll(() => asked()).toBeGreaterThan(before);
  await restarted.stop();
});
