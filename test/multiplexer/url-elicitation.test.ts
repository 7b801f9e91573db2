/** Elicitation by URL: ids that are the gateway's own, and word of its end for the one who was asked. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { HttpStream } from './http-stream.ts';
import { elicitUrl, outcomesOf, startAsking } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer } from './setup.ts';
import { poll } from './until.ts';

const COMPLETE = 'notifications/elicitation/complete';
const ACCEPT = { result: { action: 'accept' } };
const UPSTREAMS = ['http', 'user', 'stdio', 'sse'];

let http: HttpFixture;
let sse: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  http = await startPeer('http');
  sse = await startPeer('sse');
  const upstreams = {
    http: { url: http.url },
    second: { url: http.url },
    user: { url: http.url, sharing: 'user' },
    stdio: stdioPeer(),
    sse: { url: sse.url, transport: 'sse' },
  };
  gateway = await startGateway({ config: { ...QUICK, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await http?.stop();
  await sse?.stop();
});

const open = (capabilities: object = ABLE) => RawClient.open(gateway.url, { capabilities });
const completed = ({ messages }: HttpStream) =>
  messages.filter(({ method }) => method === COMPLETE).map(({ params }) => params?.elicitationId);

/** Has an upstream say that an elicitation is over, outside of any call. */
async function complete(client: RawClient, upstream: string, elicitationId: string): Promise<void> {
  const tag = `complete ${upstream} ${elicitationId} ${client.session}`;
  await client.tool(`${upstream}__play_later`, { tag, steps: [{ notify: COMPLETE, params: { elicitationId } }] });
  await client.tool(`${upstream}__played`, { tag });
}

describe.each(UPSTREAMS)('%s', (upstream) => {
  test('the id is another one, the rest as it came; its end is told under the same id, on the standalone stream', async () => {
    const client = await open();
    const stream = await client.listen();
    const { question, reply, outcomes } = await startAsking(client, upstream, [elicitUrl('theirs')]);
    const { elicitationId, ...others } = question.params as { elicitationId: string };
    expect(elicitationId).not.toBe('theirs');
    expect(others).toEqual({
      mode: 'url',
      message: `[${upstream}] Please sign in`,
      url: 'https://sign.in.example/theirs',
    });
    await client.answer(question.id, ACCEPT);
    expect(await outcomes()).toEqual([ACCEPT]);
    await complete(client, upstream, 'theirs');
    await poll(() => completed(stream)).toEqual([elicitationId]);
    expect(completed(reply)).toEqual([]);
    stream.drop();
  });

  test('two clients asked under one id: each hears of its end once, under the id it was shown', async () => {
    const clients = [await open(), await open()];
    const streams = await Promise.all(clients.map((client) => client.listen()));
    const ask = async (client: RawClient, id: string) => {
      const { question, outcomes } = await startAsking(client, upstream, [elicitUrl(id)]);
      await client.answer(question.id, ACCEPT);
      await outcomes();
      return question.params?.elicitationId;
    };
    const ids = [await ask(clients[0]!, 'common'), await ask(clients[1]!, 'common')];
    expect(new Set(ids).size).toBe(2);
    // one link serves both where they are one user: what is over for the upstream is over for both
    const told = upstream === 'user' ? [[ids[0]], [ids[1]]] : [[ids[0]], []];
    await complete(clients[0]!, upstream, 'common');
    for (const [i, stream] of streams.entries()) await poll(() => completed(stream)).toEqual(told[i]);
    await complete(clients[1]!, upstream, 'common');
    for (const [i, client] of clients.entries()) {
      const last = await ask(client, `last ${i}`);
      await complete(client, upstream, `last ${i}`);
      await poll(() => completed(streams[i]!)).toEqual([ids[i], last]);
    }
    for (const stream of streams) stream.drop();
  });

  test('the end of what nobody was asked is told to nobody', async () => {
    const client = await open();
    const stream = await client.listen();
    await complete(client, upstream, 'never asked');
    const { question, outcomes } = await startAsking(client, upstream, [elicitUrl('asked')]);
    await client.answer(question.id, ACCEPT);
    await outcomes();
    await complete(client, upstream, 'asked');
    await poll(() => completed(stream)).toEqual([question.params?.elicitationId]);
    stream.drop();
  });
});

test('#134 two upstreams use the same JSON-RPC id and the same elicitation id at once: nothing crosses', async () => {
  const client = await open();
  const stream = await client.listen();
  const upstreams = ['http', 'second', 'stdio'];
  const asking = await Promise.all(
    upstreams.map((upstream, i) => startAsking(client, upstream, [elicitUrl('same')], { id: i + 1 })),
  );
  const ids = asking.map(({ question }) => question.params?.elicitationId);
  expect(new Set(ids).size).toBe(3);
  expect(new Set(asking.map(({ question }) => question.id)).size).toBe(3);
  for (const [i, { question }] of [...asking.entries()].reverse())
    await client.answer(question.id, { result: { action: 'accept', _meta: { answers: upstreams[i] } } });
  for (const [i, { reply }] of asking.entries())
    expect(outcomesOf(await reply.response(i + 1))).toEqual([
      { result: { action: 'accept', _meta: { answers: upstreams[i] } } },
    ]);
  for (const i of [1, 2, 0]) await complete(client, upstreams[i]!, 'same');
  await poll(() => completed(stream)).toEqual([ids[1], ids[2], ids[0]]);
  stream.drop();
});

describe('a call that fails with -32042, since URLs are to be visited first', () => {
  const elicitations = ['x', 'y'].map((id) => elicitUrl(id).params);
  const fail = { code: -32042, message: 'Sign in first', data: { elicitations, more: 1 } };
  const play = { name: 'http__play', arguments: { tag: 'fails', steps: [{ fail }] } };

  test('a client that can gets the error with ids that it is later told the end of', async () => {
    const client = await open();
    const stream = await client.listen();
    const { error } = await client.request('tools/call', play);
    const data = error?.data as { elicitations: { elicitationId: string }[] };
    const ids = data.elicitations.map(({ elicitationId }) => elicitationId);
    expect(error).toMatchObject({ code: -32042, message: expect.stringContaining('Sign in first') });
    expect(data).toEqual({ elicitations: elicitations.map((e, i) => ({ ...e, elicitationId: ids[i] })), more: 1 });
    expect(new Set([...ids, 'x', 'y']).size).toBe(4);
    await complete(client, 'http', 'y');
    await poll(() => completed(stream)).toEqual([ids[1]]);
    stream.drop();
  });

  test.each([{}, { elicitation: {} }, { elicitation: { form: {} } }])(
    'one that declares %j gets a result without URLs',
    async (capabilities) => {
      const client = await open(capabilities);
      const { result, error } = await client.request('tools/call', play);
      expect(error).toBeUndefined();
      expect(result).toMatchObject({ isError: true });
      expect(JSON.stringify(result)).not.toContain('sign.in.example');
    },
  );
});
