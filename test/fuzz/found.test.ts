/** What the fuzz tests found once, one case each. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../multiplexer/until.ts';
import { message } from './garbage.ts';
import { HOSTILE_STDIO, type HostileHttp, startHostile } from './hostile-upstream.ts';
import { Lab } from './lab.ts';
import { play } from './plays.ts';
import { sendRaw } from './raw-http.ts';

const ABLE = { elicitation: {}, sampling: {}, roots: {} };

let hostile: HostileHttp;
let lab: Lab;

beforeAll(async () => {
  hostile = await startHostile();
  const timeouts = { call: '2s', elicitation: '200ms', sampling: '200ms', roots: '200ms' };
  const upstreams = { http: { url: hostile.url, timeouts }, stdio: { ...HOSTILE_STDIO, timeouts } };
  lab = await Lab.start(upstreams, { log: { level: 'debug' } });
});
afterAll(async () => {
  await lab?.stop();
  await hostile?.close();
});

const able = async () => ({ who: 'ada', client: await lab.client('ada', { capabilities: ABLE }) });

test.each(['null', '[]', '"x"', '7'])(
  'a question whose params are %s is refused, and its call goes on',
  async (params) => {
    lab = await lab.revived();
    for (const method of ['elicitation/create', 'sampling/createMessage', 'roots/list']) {
      const ask = message(`{"jsonrpc":"2.0","id":"q","method":"${method}","params":${params}}`);
      const { tag, text } = await play(await able(), 'http', { acts: [ask, { responses: 1 }, { answer: true }] });
      expect(text).toBe(tag);
    }
    await lab.check();
  },
);

/** JSON that `Number()` throws at. */
const NO_NUMBER = '{"toString":0,"valueOf":0}';

test.each([
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1,"progressToken":${NO_NUMBER}}}`,
  `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${NO_NUMBER}}}`,
  `{"jsonrpc":"2.0","id":${NO_NUMBER},"result":{}}`,
  `{"jsonrpc":"1.0","id":${NO_NUMBER},"result":{}}`,
  `{"jsonrpc":"2.0","id":${NO_NUMBER}}`,
])('an id or token that cannot be made a number: %s', async (text) => {
  lab = await lab.revived();
  const player = await able();
  const played = ['http', 'stdio'].map((upstream) =>
    play(player, upstream, { acts: [message(text), { answer: true }] }),
  );
  for (const { tag, text: answer } of await lab.survives(played)) expect(answer).toBe(tag);
});

test('a client that hangs up in the middle of a body is no fault of the gateway', async () => {
  lab = await lab.revived();
  const socket = connect(lab.port, '127.0.0.1');
  await once(socket, 'connect');
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${lab.port}\r\nContent-Type: application/json\r\n`;
  socket.write(`${head}Content-Length: 100\r\n\r\n{"jsonrpc":`, () => socket.destroy());
  await lab.gateway.waitForLog(({ msg }) => msg === 'request refused');
  await lab.check();
});

test('of two ids that are the same number to JavaScript, the one that was named is cancelled', async () => {
  const { session } = await lab.client('bob');
  const post = (body: string) => {
    const accept = 'application/json, text/event-stream';
    const headers = { 'Content-Type': 'application/json', Accept: accept, 'Mcp-Session-Id': session };
    return sendRaw(lab.port, { headers: Object.entries(headers), body: Buffer.from(body) });
  };
  const sleep = (id: string) =>
    post(
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"canary__sleep","arguments":{"ms":1500}}}`,
    );
  const [named, other] = ['9007199254740993', '9007199254740992'] as const;
  const answers = [sleep(named), sleep(other)];
  const whoami = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'canary__whoami', arguments: {} } };
  await until(async () => (await post(JSON.stringify(whoami))).body.includes('"started":2'), 'two sleeping calls');
  await post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${named}}}`);
  const [cancelled, slept] = (await Promise.all(answers)).map(({ body }) => body);
  expect(slept).toContain(`"id":${other}`);
  expect(slept).toContain('slept 1500 ms');
  expect(cancelled).not.toContain('slept');
});

test('an event id that no header can hold does not cost the upstream its GET stream', async () => {
  const { client } = await able();
  const listen = await client.listen();
  const streams = hostile.opened();
  hostile.cutOff('retry: 10\nid: é→\n\n');
  await until(() => hostile.opened() > streams, 'another GET stream', 5_000);
  hostile.push({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 'after' } });
  await listen.waitFor(({ method }) => method === 'notifications/message', 5_000);
  listen.drop();
});
