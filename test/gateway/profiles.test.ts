/** Profiles: each shows its own selection, in every method, to clients of both eras. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { connectV1, connectV2 } from '../e2e/sdk-clients.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { exchange } from './exchange.ts';
import { ModernClient } from './modern-client.ts';
import { ERAS, probe } from './prober.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const RESEARCH = {
  title: 'Research',
  instructions: 'Search before you answer.',
  include: ['docs/search', 'docs/greet', 'docs/doc:///open', 'docs/doc:///free/*', 'docs/doc:///page/{id}', 'news/*'],
  exclude: ['news/write', 'docs/doc:///free/but/*'],
};
const PROFILES = {
  'news-only': { include: ['news'] },
  research: RESEARCH,
  tools: { include: ['docs/search'] },
  default: { exclude: ['docs/secret*'] },
};

let docs: ScriptedUpstream;
let news: ScriptedModern;
let gateway: Gateway;
const at = (profile: string): string => `${gateway.url}/${profile}`;

beforeAll(async () => {
  docs = await startUpstream({
    tools: [tool('search'), tool('secret'), tool('other')],
    prompts: [{ name: 'greet' }, { name: 'secret' }],
    resources: [
      { uri: 'doc:///open', name: 'open' },
      { uri: 'doc:///closed', name: 'closed' },
    ],
    resourceTemplates: [
      { uriTemplate: 'doc:///page/{id}', name: 'pages' },
      { uriTemplate: 'doc:///{+path}', name: 'anything' },
    ],
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true },
      completions: {},
      logging: {},
    },
    instructions: 'How to use docs.',
    handlers: {
      'tools/call': ({ params }) => textResult(String(params?.name)),
      'prompts/get': () => ({ messages: [] }),
      'resources/read': ({ params }) => ({ contents: [{ uri: params?.uri, text: 'x' }] }),
      'resources/subscribe': () => ({}),
      'completion/complete': () => ({ completion: { values: ['x'] } }),
      'logging/setLevel': () => ({}),
    },
  });
  news = await startModern({
    tools: [tool('read'), tool('write')],
    handlers: { 'tools/call': ({ params }) => textResult(String(params?.name)) },
  });
  gateway = await startGateway({
    config: {
      server: { port: 0, sse: true },
      upstreams: { docs: { url: docs.url, sharing: 'shared' }, news: { url: news.url } },
      profiles: PROFILES,
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  await docs?.close();
  await news?.close();
});

describe.each(ERAS)('%s clients', (era) => {
  test('are listed what the profile has, under the names that it has everywhere', async () => {
    const [research, usual] = [await probe(era, at('research')), await probe(era, gateway.url)];
    const listed = await research.listed();
    expect(listed).toEqual([
      'tools docs__search',
      'tools news__read',
      'prompts docs__greet',
      'resources doc:///open',
      'resourceTemplates doc:///page/{id}',
    ]);
    const all = await usual.listed();
    expect(all).toEqual(expect.arrayContaining(listed));
    expect(all.filter((item) => item.includes('secret'))).toEqual([]);
    expect(all).toContain('resources doc:///closed');
  });

  test('use what they are listed, and what fits without being listed', async () => {
    const research = await probe(era, at('research'));
    for (const item of await research.listed()) expect([item, await research.use(item)]).toEqual([item, 'ok']);
    for (const uri of ['doc:///free/a', 'doc:///page/7']) expect(await research.use(`resources ${uri}`)).toBe('ok');
  });

  test.each([
    ['tools', 'docs__other', 'docs__never'],
    ['tools', 'news__write', 'news__never'],
    ['prompts', 'docs__secret', 'docs__never'],
    ['resources', 'doc:///closed', 'never:///x'],
    ['resources', 'doc:///free/but/not', 'never:///x'],
    ['resources', 'mcp+docs:doc:///closed', 'never:///x'],
    ['resources', 'MCP+docs:doc:///closed', 'never:///x'],
    ['resources', 'doc:///free/../closed', 'never:///x'],
    ['resources', 'doc:///free/%2e%2e/closed', 'never:///x'],
    ['resources', 'doc:///free/%252e%252e/closed', 'never:///x'],
    ['resources', 'doc:///free\\..\\closed', 'never:///x'],
    ['resources', 'doc:///free/x/../but/not', 'never:///x'],
    ['resourceTemplates', 'doc:///{+path}', 'never:///{x}'],
  ])('find %s %s as little as %s', async (kind, there, nowhere) => {
    const research = await probe(era, at('research'));
    const before = docs.received.length + news.received.length;
    expect(await research.use(`${kind} ${there}`)).toBe(await research.use(`${kind} ${nowhere}`));
    expect(docs.received.length + news.received.length).toBe(before);
  });

  test('complete the prompts of the profile alone', async () => {
    const research = await probe(era, at('research'));
    const complete = async (name: string) => {
      const params = { ref: { type: 'ref/prompt', name }, argument: { name: 'who', value: '' } };
      const { result, error } = await research.ask('completion/complete', params);
      return result ? 'ok' : error?.message.replace(name, '<name>');
    };
    expect(await complete('docs__greet')).toBe('ok');
    expect(await complete('docs__secret')).toBe(await complete('docs__never'));
  });

  test('are told the title and the instructions of the profile', async () => {
    const { server } = await probe(era, at('research'));
    expect(server.instructions).toBe(RESEARCH.instructions);
    expect(JSON.stringify(server)).toContain('"title":"Research"');
    const usual = await probe(era, gateway.url);
    expect(usual.server.instructions).toContain('How to use docs.');
  });

  test('are declared no capability of which nothing is left', async () => {
    const { server } = await probe(era, at('tools'));
    const { tools, prompts, resources } = server.capabilities as Record<string, unknown>;
    expect([tools, prompts, resources]).toEqual([{ listChanged: true }, undefined, undefined]);
  });

  test('are told of a change where it is one of their profile', async () => {
    const streams = await Promise.all(
      ['research', 'tools'].map(async (profile) => {
        if (era === 'legacy') return (await Session.open(at(profile))).listen();
        const notifications = { promptsListChanged: true, toolsListChanged: true };
        return new ModernClient(at(profile)).send('subscriptions/listen', { params: { notifications } });
      }),
    );
    const told = (i: number) => streams[i]!.messages.flatMap(({ method }) => method ?? []);
    const changes = (i: number) => told(i).filter((method) => method.endsWith('list_changed'));
    if (era === 'modern') await expect.poll(() => told(0).length + told(1).length).toBe(2);
    const changed = (tools: object[]): void => {
      docs.script.tools = tools;
      docs.push({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    };
    const before = docs.script.tools!;
    // of the default profile alone
    changed([...(before as object[]), tool(`new_${era}`)]);
    const usual = await probe(era, gateway.url);
    await expect.poll(() => usual.listed()).toContain(`tools docs__new_${era}`);
    changed([{ ...tool('search'), title: `of ${era}` }, tool('secret'), tool('other')]);
    await expect.poll(() => [changes(0), changes(1)]).toEqual(Array(2).fill(['notifications/tools/list_changed']));
    for (const stream of streams) await stream.close();
  });
});

test('the official clients use a profile like any server', async () => {
  for (const connect of [
    () => connectV1(at('research')),
    () => connectV2(at('research'), 'legacy'),
    () => connectV2(at('research'), 'auto'),
  ]) {
    const client = await connect();
    expect(await client.tools()).toEqual(['docs__search', 'news__read']);
    expect(await client.prompts()).toEqual(['docs__greet']);
    expect(await client.call('docs__search', {})).toMatchObject({ text: 'search', isError: false });
    await expect(client.call('docs__secret', {})).rejects.toThrow(/Unknown tool/);
    expect(await client.read('doc:///open')).toMatchObject([{ text: 'x' }]);
    await expect(client.read('doc:///closed')).rejects.toThrow(/not found/i);
    await client.close();
  }
});

describe('subscriptions', () => {
  test('of legacy clients: what is not in the profile is not found', async () => {
    const session = await Session.open(at('research'));
    expect((await session.request('resources/subscribe', { uri: 'doc:///open' })).result).toEqual({});
    const [closed, never] = [
      await session.request('resources/subscribe', { uri: 'doc:///closed' }),
      await session.request('resources/subscribe', { uri: 'never:///x' }),
    ];
    expect(closed.error).toMatchObject({ code: never.error!.code });
    const stream = await session.listen();
    docs.push({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'doc:///closed' } });
    docs.push({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'doc:///open' } });
    await expect.poll(() => stream.messages.map(({ params }) => params?.uri)).toContain('doc:///open');
    expect(stream.messages.map(({ params }) => params?.uri)).not.toContain('doc:///closed');
    await stream.close();
  });

  test('of modern clients: what is not in the profile is not agreed to', async () => {
    const client = new ModernClient(at('research'));
    const notifications = { resourceSubscriptions: ['doc:///open', 'doc:///closed', 'doc:///free/a'] };
    const stream = await client.send('subscriptions/listen', { params: { notifications } });
    await expect
      .poll(() => stream.messages[0]?.params)
      .toMatchObject({
        notifications: { resourceSubscriptions: ['doc:///open', 'doc:///free/a'] },
      });
    await stream.close();
  });
});

test('logs of an upstream reach the sessions that see it', async () => {
  const [research, none] = [await Session.open(at('research')), await Session.open(at('news-only'))];
  const streams = [await research.listen(), await none.listen()];
  docs.push({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 'from docs' } });
  await expect.poll(() => streams[0]!.text).toContain('from docs');
  await none.result('tools/list');
  expect(streams[1]!.text).not.toContain('from docs');
  for (const stream of streams) await stream.close();
});

describe('sessions belong to their profile', () => {
  test('at another one their id is unknown', async () => {
    const session = await Session.open(at('research'));
    for (const url of [gateway.url, at('tools')]) {
      const headers = { 'mcp-session-id': session.id };
      const answer = await exchange(url, { headers, body: { jsonrpc: '2.0', id: 1, method: 'ping' } });
      expect([answer.status, answer.message.error?.message]).toEqual([
        404,
        'Session not found; send initialize to start a new one',
      ]);
    }
    expect(await session.result('ping')).toEqual({});
  });

  test('over HTTP+SSE as well', async () => {
    const { origin } = new URL(gateway.url);
    const hangUp = new AbortController();
    const { body } = await fetch(`${origin}/sse/research`, { signal: hangUp.signal });
    let text = '';
    const reading = (async () => {
      for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })().catch(() => undefined);
    await expect.poll(() => text).toMatch(/data: \/messages\/research\?sessionId=/);
    const path = /data: (\S+)/.exec(text)![1]!;
    const post = (url: string, method: string, params: object = {}, id = 1) =>
      exchange(url, { body: { jsonrpc: '2.0', id, method, params } });
    const initialize = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    expect((await post(`${origin}${path.replace('/research', '')}`, 'initialize', initialize)).status).toBe(404);
    expect((await post(`${origin}${path}`, 'initialize', initialize)).status).toBe(202);
    await expect.poll(() => text).toContain('"title":"Research"');
    await post(`${origin}${path}`, 'tools/list', {}, 2);
    await expect.poll(() => text).toContain('docs__search');
    expect(text).not.toContain('docs__other');
    hangUp.abort();
    await reading;
  });
});

test.each(['reserch', 'default', '%2e%2e'])('there is no profile %s: 404, which says what there is', async (name) => {
  for (const method of ['POST', 'GET', 'DELETE'] as const) {
    const body = method === 'POST' ? { jsonrpc: '2.0', id: 1, method: 'ping' } : undefined;
    const answer = await exchange(at(name), { method, headers: { accept: 'text/event-stream' }, body });
    expect([method, answer.status]).toEqual([method, 404]);
    if (name === 'reserch') expect(answer.text).toContain('/mcp/research');
  }
});

test('a changed config changes profiles, ends those that are gone, and tells who sees something else', async () => {
  const [research, tools] = [await Session.open(at('research')), await Session.open(at('tools'))];
  const listening = new ModernClient(at('tools'));
  const listen = await listening.send('subscriptions/listen', {
    params: { notifications: { toolsListChanged: true } },
  });
  const stream = await research.listen();
  const config = parse(await readFile(gateway.configPath, 'utf8')) as Record<string, unknown>;
  const next = { research: { ...RESEARCH, include: ['docs/other'] }, fresh: { include: ['news'] } };
  await writeFile(gateway.configPath, stringify({ ...config, profiles: next }));
  await expect.poll(() => stream.text, { timeout: 5_000 }).toContain('notifications/tools/list_changed');
  expect(await research.names()).toEqual(['docs__other']);
  expect((await research.request('tools/call', { name: 'docs__search' })).error?.code).toBe(-32602);
  expect(await (await Session.open(at('fresh'))).names()).toEqual(['news__read', 'news__write']);
  await listen.ended();
  const gone = await tools.send({ body: { jsonrpc: '2.0', id: 1, method: 'ping' } });
  await gone.ended();
  expect(gone.status).toBe(404);
  await stream.close();
  await writeFile(gateway.configPath, stringify(config));
  await gateway.waitForLog(({ changes }) => JSON.stringify(changes ?? '').includes('profiles.fresh: removed'));
});
