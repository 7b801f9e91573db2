/** What upstreams are told that clients can do, and what happens when they ask for more. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Ask } from '../fixtures/peer/play.ts';
import {
  event,
  type Received,
  type ScriptedUpstream,
  startUpstream,
  textResult,
  tool,
} from '../gateway/scripted-upstream.ts';
import { elicit, elicitUrl, outcomesOf, roots, sample } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer } from './setup.ts';
import { until } from './until.ts';

let peer: HttpFixture;
let scripted: ScriptedUpstream;
let older: ScriptedUpstream;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http');
  const handlers = { 'tools/call': () => textResult('called') };
  scripted = await startUpstream({ tools: [tool('go')], handlers });
  const old = {
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'older', version: '1.0.0' },
  };
  older = await startUpstream({ tools: [tool('go')], handlers: { initialize: () => old, 'tools/call': askForm } });
  const upstreams = {
    own: { url: peer.url },
    shared: { url: peer.url, sharing: 'shared' },
    sharedStdio: { ...stdioPeer(), sharing: 'shared' },
    user: { url: peer.url, sharing: 'user' },
    userStdio: { ...stdioPeer(), sharing: 'user' },
    scripted: { url: scripted.url },
    older: { url: older.url },
  };
  gateway = await startGateway({ config: { ...QUICK, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
  await scripted?.close();
  await older?.close();
});

/** A tool that asks with a form in the course of the call, whatever it was told, and tells what it got. */
async function askForm({ id }: Received, res: ServerResponse): Promise<undefined> {
  const own = `form-${randomUUID()}`;
  const params = { message: 'Well?', requestedSchema: { type: 'object', properties: {} } };
  event(res, { jsonrpc: '2.0', id: own, method: 'elicitation/create', params });
  const answer = await until(() => older.received.find((message) => message.id === own), 'an answer');
  const text = String(answer.result?.action ?? answer.error?.code);
  event(res, { jsonrpc: '2.0', id, result: textResult(text) });
  res.end();
  return undefined;
}

const open = (capabilities: object, name?: string) =>
  RawClient.open(gateway.url, { capabilities, ...(name === undefined ? {} : { name }) });

/** What an upstream was told of this client; its SDK reads an empty `elicitation` as forms. */
const told = async (client: RawClient, upstream: string) =>
  (await client.tool(`${upstream}__whoami`)).clientCapabilities;

/** Has an upstream ask for this although it was not told that it may. @returns the codes of its errors */
async function refusals(client: RawClient, upstream: string, asks: readonly Ask[]): Promise<(number | undefined)[]> {
  const reply = await client.call(`${upstream}__play`, { tag: 'asks', steps: [{ ask: asks }] }, { id: 1 });
  await reply.ended();
  // the client heard nothing of it
  expect(reply.messages).toHaveLength(1);
  return outcomesOf(reply.messages[0]!).map(({ error }) => error?.code);
}

const ALL = [elicit(), elicitUrl('1'), sample(), roots];

describe('a client', () => {
  test('#124 that declares nothing: its upstream is told nothing, and refused', async () => {
    const client = await open({});
    expect(await told(client, 'own')).toEqual({});
    expect(await refusals(client, 'own', ALL)).toEqual([-32601, -32601, -32601, -32601]);
  });

  test.each([
    [{ elicitation: {} }, { elicitation: { form: {} } }, [elicitUrl('1'), sample(), roots], [-32602, -32601, -32601]],
    [{ elicitation: { form: {} } }, { elicitation: { form: {} } }, [elicitUrl('1')], [-32602]],
    [
      { elicitation: { url: {} } },
      { elicitation: { url: {} } },
      [elicit(), elicit('x', { mode: 'form' })],
      [-32602, -32602],
    ],
    [{ sampling: {} }, { sampling: {} }, [sample('', { tools: [] }), elicit()], [-32601, -32601]],
    [{ sampling: { tools: {}, context: {} } }, { sampling: { tools: {} } }, [roots], [-32601]],
    [{ roots: {} }, { roots: {} }, [sample()], [-32601]],
    [{ roots: { listChanged: false } }, { roots: {} }, [elicit()], [-32601]],
  ])(
    'that declares %j: its upstream is told %j, and refused what is not in it',
    async (declared, passed, asks, codes) => {
      const client = await open({ ...declared, experimental: { odd: {} }, tasks: { list: {} } });
      expect(await told(client, 'own')).toEqual(passed);
      expect(await refusals(client, 'own', asks)).toEqual(codes);
    },
  );

  test('is named to the upstream whose link serves it alone', async () => {
    const client = await open({}, 'Known Host');
    expect((await client.tool('own__whoami')).clientInfo).toMatchObject({ name: 'Known Host' });
    expect((await client.tool('shared__whoami')).clientInfo).toMatchObject({ name: 'patchbay' });
  });

  test('#124 another one beside it, of other abilities, changes nothing', async () => {
    const clients = await Promise.all([{}, ABLE, { roots: {} }, { elicitation: {} }].map((c) => open(c)));
    const seen = await Promise.all(clients.map((client) => told(client, 'own')));
    expect(seen).toEqual([{}, { ...ABLE, sampling: { tools: {} } }, { roots: {} }, { elicitation: { form: {} } }]);
  });
});

describe('#123 an upstream that all share', () => {
  test.each(['shared', 'sharedStdio'])(
    '%s is told nothing, even of a client that can do everything',
    async (upstream) => {
      const client = await open(ABLE);
      expect(await told(client, upstream)).toEqual({});
      expect(await refusals(client, upstream, ALL)).toEqual([-32601, -32601, -32601, -32601]);
    },
  );
});

describe('an upstream with one link for each user', () => {
  test.each(['user', 'userStdio'])('%s is told of each client what it can do, whoever came first', async (upstream) => {
    const [first, second, third] = [await open({}), await open(ABLE), await open({ roots: {} })];
    expect(await told(first, upstream)).toEqual({});
    expect(await told(second, upstream)).toMatchObject({ elicitation: {}, sampling: {}, roots: {} });
    expect(await told(third, upstream)).toEqual({ roots: {} });
    expect(await refusals(first, upstream, [elicit()])).toEqual([-32601]);
  });
});

describe('#135 a client that can only visit URLs', () => {
  test('an upstream of 2025-06-18, which would take that for forms, is told of no elicitation, and refused', async () => {
    const before = older.of('initialize').length;
    const client = await open({ elicitation: { url: {} }, roots: {} });
    const reply = await client.call('older__go', {}, { id: 1 });
    await reply.ended();
    expect(reply.messages).toMatchObject([{ id: 1, result: { content: [{ text: '-32601' }] } }]);
    const declared = older.of('initialize').slice(before);
    expect(declared.map(({ params }) => params?.capabilities)).not.toContainEqual(
      expect.objectContaining({ elicitation: expect.anything() }),
    );
    expect(declared.at(-1)?.params?.capabilities).toEqual({ roots: {} });
  });

  test('one that can do forms as well is asked by it', async () => {
    const client = await open({ elicitation: { url: {}, form: {} } });
    const reply = await client.call('older__go', {}, { id: 1 });
    const { id, params } = await reply.method('elicitation/create');
    expect(params).toMatchObject({ message: '[older] Well?' });
    await client.answer(id, { result: { action: 'decline' } });
    expect((await reply.response(1)).result).toEqual(textResult('decline'));
  });
});

describe('notifications/roots/list_changed', () => {
  const CHANGED = 'notifications/roots/list_changed';
  const sessions = () => scripted.of(CHANGED).map(({ headers }) => headers['mcp-session-id']);
  const linkOf = async (client: RawClient) => {
    await client.request('tools/call', { name: 'scripted__go' });
    return scripted.of('tools/call').at(-1)!.headers['mcp-session-id'];
  };

  test('goes to the links of this client that were told of it, and to no other', async () => {
    const [client, other, unable] = [await open(ABLE), await open(ABLE), await open({ roots: {} })];
    const [own] = [await linkOf(client), await linkOf(other), await linkOf(unable)];
    await unable.notify(CHANGED);
    await client.notify(CHANGED);
    await scripted.waitFor(CHANGED);
    await client.request('tools/call', { name: 'scripted__go' });
    expect(sessions()).toEqual([own]);
  });
});
