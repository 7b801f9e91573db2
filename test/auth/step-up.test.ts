/** What needs more than a token has is refused in a way by which clients know what to ask for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callMessage, initializeMessage, Session } from '../gateway/client.ts';
import { type Exchange, exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { knock } from '../multiplexer/door.ts';
import { type Bench, byJwt, challengeIn, startBench } from './bench.ts';

const RULES = [
  { methods: ['tools/call'], items: ['write', 'delete'], scopes: ['write'] },
  { items: ['delete'], scopes: ['danger'] },
  { upstreams: ['legacy'], methods: ['resources/*'], items: ['l://secret'], scopes: ['secrets'] },
  { methods: ['prompts/get'], scopes: ['prompts'] },
  { methods: ['completion/complete'], items: ['hello'], scopes: ['complete'] },
  { upstreams: ['modern'], methods: ['resources/subscribe'], scopes: ['listen'] },
  { methods: ['resources/templates/list'], scopes: ['templates'] },
];

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({
    auth: (issuer) => ({
      ...byJwt(issuer),
      scopes: { required: ['base'], rules: RULES, includes: { admin: ['write', 'danger'] } },
    }),
    config: { server: { port: 0, sse: true } },
  });
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

const headers = (...scopes: string[]) => bench.bearer({ scope: ['base', ...scopes].join(' ') });
const open = async (...scopes: string[]) => Session.open(bench.gateway.url, { headers: await headers(...scopes) });
const modern = async (...scopes: string[]) => new ModernClient(bench.gateway.url, {}, await headers(...scopes));

/** The scopes that a refusal asks for; `undefined` when there is none. */
function needed(answer: Exchange): string | undefined {
  if (answer.status === 200) return undefined;
  const { scheme, params } = challengeIn(answer.headers['www-authenticate']);
  expect([answer.status, scheme, params.error]).toEqual([403, 'Bearer', 'insufficient_scope']);
  expect(params.resource_metadata).toMatch(/\/\.well-known\/oauth-protected-resource\/mcp$/);
  return params.scope;
}

const REQUESTS: [string, object, string | undefined][] = [
  ['tools/call', { name: 'legacy__read' }, undefined],
  ['tools/call', { name: 'legacy__write' }, 'base write'],
  ['tools/call', { name: 'legacy__delete' }, 'base write danger'],
  ['tools/call', { name: 'modern__one' }, undefined],
  ['prompts/get', { name: 'legacy__hello' }, 'base prompts'],
  ['resources/read', { uri: 'l://open' }, undefined],
  ['resources/read', { uri: 'l://secret' }, 'base secrets'],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'legacy__hello' }, argument: { name: 'a', value: '' } },
    'base complete',
  ],
  ['tools/list', {}, undefined],
  ['resources/templates/list', {}, 'base templates'],
];

describe.each(['legacy', 'modern'] as const)('for clients of the %s era', (era) => {
  const ask = async (method: string, params: object, ...scopes: string[]): Promise<Exchange> => {
    if (era === 'modern')
      return (await modern(...scopes)).ask(method, { id: 'x', params: params as Record<string, unknown> });
    return (await open(...scopes)).post({ jsonrpc: '2.0', id: 'x', method, params });
  };

  test.each(REQUESTS)('%s of %j needs %s', async (method, params, scopes) => {
    const sent = bench.legacy.of(method).length;
    const refused = await ask(method, params);
    expect(needed(refused)).toBe(scopes);
    if (scopes === undefined) return;
    // the request is named, and no upstream has heard of it
    expect(refused.message).toMatchObject({
      id: 'x',
      error: { message: `This needs a token with the scope ${scopes}` },
    });
    expect(bench.legacy.of(method).length).toBe(sent);
    // with just these it is served
    expect(needed(await ask(method, params, ...scopes.split(' ')))).toBeUndefined();
  });

  test('lists show what a token with more could reach', async () => {
    const tools = (await ask('tools/list', {})).response('x').result?.tools as { name: string }[];
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['legacy__write', 'legacy__delete']));
  });

  test('a scope stands for those that it includes', async () => {
    expect(needed(await ask('tools/call', { name: 'legacy__delete' }, 'admin'))).toBeUndefined();
  });

  test('what is not there, or malformed, is told as ever', async () => {
    const unknown = await ask('tools/call', { name: 'legacy__nothing' });
    expect(unknown.response('x').error?.message).toMatch(/Unknown tool/);
    const malformed = await ask('tools/call', { name: 7 });
    expect(malformed.response('x').error?.message).toMatch(/Mcp-Name|"name" must be a string/);
  });
});

test('#163 the next token for the same session may do it, and the session goes on', async () => {
  const session = await open();
  const call = callMessage(1, 'legacy__write');
  expect(needed(await session.post(call))).toBe('base write');
  const answer = await session.post(call, await headers('write'));
  expect(needed(answer)).toBeUndefined();
  // each request counts by its own token
  expect(needed(await session.post(callMessage(2, 'legacy__write'), await headers()))).toBe('base write');
});

test('to subscribe, and to listen, needs what the resource needs', async () => {
  const session = await open();
  const subscribe = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'l://secret' } };
  expect(needed(await session.post(subscribe))).toBe('base secrets');
  expect(needed(await session.post(subscribe, await headers('secrets')))).toBeUndefined();
  // to stop needs nothing
  expect(needed(await session.post({ ...subscribe, id: 2, method: 'resources/unsubscribe' }))).toBeUndefined();

  const notifications = { toolsListChanged: true, resourceSubscriptions: ['l://secret', 'm://1', 'x://nobody'] };
  const listen = async (...scopes: string[]) =>
    (await modern(...scopes)).send('subscriptions/listen', { id: 'l', params: { notifications } });
  const refused = await listen();
  await refused.ended();
  expect(needed(refused)).toBe('base secrets listen');
  const good = await listen('secrets', 'listen');
  await good.waitFor(({ method }) => method === 'notifications/subscriptions/acknowledged');
  await good.close();
});

test('a batch is refused as one, with all that its requests need', async () => {
  const at = { headers: { ...(await headers()) } };
  const opened = await exchange(bench.gateway.url, { ...at, body: initializeMessage('2025-03-26') });
  const id = String(opened.headers['mcp-session-id']);
  const post = async (extra: object, body: object[]) =>
    exchange(bench.gateway.url, { headers: { ...at.headers, 'mcp-session-id': id, ...extra }, body });
  const sent = bench.legacy.of('tools/call').length;
  const batch = [callMessage(1, 'legacy__read'), callMessage(2, 'legacy__write'), callMessage(3, 'legacy__delete')];
  expect(needed(await post({}, batch))).toBe('base write danger');
  expect(bench.legacy.of('tools/call').length).toBe(sent);
  expect(needed(await post({}, batch.slice(0, 1)))).toBeUndefined();
  expect(needed(await post(await headers('write', 'danger'), batch))).toBeUndefined();
});

test('hosts of HTTP+SSE are told by the answer to their POST', async () => {
  const own = await headers();
  const door = await knock(new URL('/sse', bench.gateway.url).href, own);
  const post = (body: object, extra: object = {}) => exchange(door.post.href, { headers: { ...own, ...extra }, body });
  expect((await post(initializeMessage('2024-11-05'))).status).toBe(202);
  expect(needed(await post(callMessage(1, 'legacy__write')))).toBe('base write');
  expect((await post(callMessage(2, 'legacy__write'), await headers('write'))).status).toBe(202);
  expect((await door.stream.response(2)).result).toMatchObject({ content: [{ text: 'write' }] });
  door.stream.drop();
});

test('#164 a retry with what was asked for ends the asking', async () => {
  let scopes: string[] = [];
  let tries = 0;
  for (;;) {
    const refused = needed(await (await modern(...scopes)).ask('tools/call', { params: { name: 'legacy__delete' } }));
    if (refused === undefined) break;
    // a client that asks for just what it was told, and keeps nothing of what it had
    scopes = refused.split(' ');
    expect(++tries).toBe(1);
  }
});

test('what an upstream offers late needs no less', async () => {
  await using late = await startBench({
    auth: (issuer) => ({ ...byJwt(issuer), scopes: { rules: [{ items: ['slow'], scopes: ['more'] }] } }),
    config: { lists: { firstWait: '10s' } },
  });
  const session = await Session.open(late.gateway.url, { headers: await late.bearer() });
  expect(await session.callText('legacy__read')).toBe('read');
  late.modern.script.tools = [{ name: 'slow', inputSchema: { type: 'object' } }];
  late.modern.push('notifications/tools/list_changed');
  await expect
    .poll(async () => {
      const { status } = await session.post(callMessage('s', 'modern__slow'));
      return status;
    })
    .toBe(403);
  expect(late.modern.of('tools/call')).toEqual([]);
});
