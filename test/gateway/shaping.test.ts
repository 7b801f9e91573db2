/** `items` of an upstream: what clients of both eras see and may do, in front of upstreams of both. */
import { writeFile } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Connected, connectV1, connectV2 } from '../e2e/sdk-clients.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { poll } from '../multiplexer/until.ts';
import { Session } from './client.ts';
import type { Rpc } from './exchange.ts';
import { ModernClient } from './modern-client.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';
import { event, type ScriptedUpstream, startUpstream, textResult } from './scripted-upstream.ts';

const KIB = 1_024;

const ISSUE = {
  name: 'create_issue',
  title: 'Create',
  description: 'Creates an issue',
  annotations: { title: 'Create', destructiveHint: false },
  inputSchema: {
    type: 'object',
    properties: {
      owner: { type: 'string', 'x-mcp-header': 'Owner' },
      repo: { type: 'string', 'x-mcp-header': 'Repo' },
      depth: { type: 'integer' },
    },
    required: ['owner', 'repo'],
  },
};
const plain = (name: string, properties: object = {}) => ({ name, inputSchema: { type: 'object', properties } });
const TOOLS = [
  ISSUE,
  plain('big', { bytes: {} }),
  plain('delete_repo'),
  plain('delete_branch'),
  plain('seldom'),
  plain('slow'),
  plain('second', { owner: {}, also: {} }),
  plain('third'),
];
const ITEMS = {
  tools: {
    create_issue: {
      name: 'new_issue',
      title: 'New issue',
      description: 'Files an issue with us.',
      arguments: { owner: { value: 'acme' }, repo: { description: 'Which one of ours.' } },
    },
    'delete_*': { hide: true },
    delete_branch: { hide: false },
    big: { maxResultSize: '2KiB' },
    seldom: { rate: '2/1h' },
    slow: { timeout: '300ms' },
    's*': { arguments: { owner: { value: { is: ['acme', 1.5] } } } },
  },
};

/** What an upstream does with a call: says what it was sent, or the size that was asked for, or nothing. */
function answerTo({ params }: Pick<Rpc, 'params'>): object | undefined {
  if (params?.name === 'slow') return undefined;
  const args = (params?.arguments ?? {}) as Readonly<Record<string, unknown>>;
  return textResult(typeof args.bytes === 'number' ? 'x'.repeat(args.bytes) : JSON.stringify(args));
}

let old: ScriptedUpstream;
let recent: ScriptedModern;
let gateway: Gateway;

const upstreams = (items: object = ITEMS) => ({
  old: { url: old.url, items },
  recent: { url: recent.url, items },
});

beforeAll(async () => {
  old = await startUpstream({ tools: TOOLS, handlers: { 'tools/call': answerTo } });
  recent = await startModern({ tools: TOOLS, handlers: { 'tools/call': answerTo } });
  gateway = await startGateway({ config: { upstreams: upstreams() } });
});

afterAll(async () => {
  await gateway?.stop();
  await old?.close();
  await recent?.close();
});

describe.each([
  ['SDK v1', connectV1],
  ['SDK v2, legacy', (url: string) => connectV2(url, 'legacy')],
  ['SDK v2, modern', (url: string) => connectV2(url, { pin: '2026-07-28' })],
] as const)('%s', (_, connect) => {
  let client: Connected;
  beforeAll(async () => {
    client = await connect(gateway.url);
  });
  afterAll(() => client?.close());

  describe.each(['old', 'recent'])('in front of the upstream %s', (upstream) => {
    const received = () => (upstream === 'old' ? old.of('tools/call') : recent.of('tools/call'));

    test('the list shows new names, titles, descriptions, and no argument that is fixed', async () => {
      const all = await client.definitions();
      const own = all.filter(({ name }) => String(name).startsWith(`${upstream}__`));
      expect(own.map(({ name }) => String(name).slice(upstream.length + 2))).toEqual([
        'new_issue',
        'big',
        'delete_branch',
        'seldom',
        'slow',
        'second',
        'third',
      ]);
      expect(own[0]).toMatchObject({
        title: 'New issue',
        description: 'Files an issue with us.',
        annotations: { title: 'New issue', destructiveHint: false },
      });
      expect(own[0]!.inputSchema).toEqual({
        type: 'object',
        properties: {
          repo: { type: 'string', description: 'Which one of ours.', 'x-mcp-header': 'Repo' },
          depth: { type: 'integer' },
        },
        required: ['repo'],
      });
      expect(own[5]!.inputSchema).toEqual({ type: 'object', properties: { also: {} } });
    });

    test('a call reaches the tool by its own name, with what is fixed and what the client sent', async () => {
      const { text } = await client.call(`${upstream}__new_issue`, { repo: 'r', depth: 2 });
      expect(JSON.parse(text)).toEqual({ owner: 'acme', repo: 'r', depth: 2 });
      const last = received().at(-1)!;
      expect(last.params).toMatchObject({ name: 'create_issue' });
      if (upstream === 'recent')
        expect(last.headers).toMatchObject({
          'mcp-param-owner': 'acme',
          'mcp-param-repo': 'r',
          'mcp-name': 'create_issue',
        });
    });

    test('what a pattern fixes is given to the tools that have it, and to no others', async () => {
      const { text } = await client.call(`${upstream}__second`, { also: 1 });
      expect(JSON.parse(text)).toEqual({ owner: { is: ['acme', 1.5] }, also: 1 });
      const answer = await client.call(`${upstream}__third`, { owner: 'mine' });
      expect(JSON.parse(answer.text)).toEqual({ owner: 'mine' });
    });

    test('the fixed value sent by the client is fine, another is refused and never sent on', async () => {
      const { text } = await client.call(`${upstream}__new_issue`, { owner: 'acme', repo: 'r' });
      expect(JSON.parse(text)).toEqual({ owner: 'acme', repo: 'r' });
      const before = received().length;
      const refused = await client.call(`${upstream}__new_issue`, { owner: 'evil', repo: 'r' });
      expect(refused).toMatchObject({
        isError: true,
        text: `The argument "owner" of ${upstream}__new_issue is set by the gateway and cannot be chosen; leave it out`,
      });
      expect(received()).toHaveLength(before);
    });

    test('what is hidden or renamed is unknown', async () => {
      for (const name of ['delete_repo', 'create_issue'])
        await expect(client.call(`${upstream}__${name}`, {})).rejects.toThrow(`Unknown tool: ${upstream}__${name}`);
      await client.call(`${upstream}__delete_branch`, {});
    });

    test('a result up to the limit comes, a larger one is told of', async () => {
      expect((await client.call(`${upstream}__big`, { bytes: KIB })).text).toHaveLength(KIB);
      const told = {
        isError: true,
        text: `The result of ${upstream}__big is larger than the 2048 bytes that upstreams.${upstream}.items.tools.big.maxResultSize allows; ask for less at once`,
      };
      expect(await client.call(`${upstream}__big`, { bytes: 2 * KIB })).toMatchObject(told);
      expect(await client.call(`${upstream}__big`, { bytes: 500 * KIB })).toMatchObject(told);
    });

    test('a time-out of its own', async () => {
      await expect(client.call(`${upstream}__slow`, {})).rejects.toThrow(
        `Upstream ${upstream} did not answer tools/call within 300 ms (items.tools.slow.timeout)`,
      );
    });
  });
});

test('a rate is counted for each tool by itself; the answer says when to come back', async () => {
  const clients = [await Session.open(gateway.url), await Session.open(gateway.url)];
  const modern = new ModernClient(gateway.url);
  // they are one principal, where nobody signs in
  for (const client of clients) expect(await client.callText('old__seldom')).toBe('{}');
  const { result } = await clients[0]!.request('tools/call', { name: 'old__seldom' });
  expect(result).toMatchObject({ isError: true });
  expect(JSON.stringify(result)).toMatch(
    /old__seldom may be used 2 times in 3600 s by one user \(upstreams\.old\.items\.tools\.seldom\.rate\); try again in (3600|359\d) s/,
  );
  expect(await modern.call('old__seldom')).toMatchObject({ isError: true, resultType: 'complete' });
  expect(await modern.call('recent__seldom')).not.toMatchObject({ isError: true });
});

test('of a result that is too large no more is read than the limit: the connection is cut', async () => {
  let written = 0;
  let cut = false;
  const gushing = await startUpstream({
    tools: [plain('gush')],
    handlers: {
      'tools/call': ({ id }, res) => {
        res.writeHead(200, { 'content-type': 'application/json' });
        res.once('close', () => {
          cut = !res.writableFinished;
        });
        res.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"`);
        const more = (): void => {
          if (res.destroyed) return;
          written += 64 * KIB;
          if (res.write('x'.repeat(64 * KIB))) setImmediate(more);
          else res.once('drain', more);
        };
        more();
        return undefined;
      },
    },
  });
  const items = { tools: { gush: { maxResultSize: '64KiB' } } };
  const other = await startGateway({
    config: { upstreams: { up: { url: gushing.url, items }, old: { url: old.url } } },
  });
  const session = await Session.open(other.url);
  expect(await session.result('tools/call', { name: 'up__gush' })).toMatchObject({ isError: true });
  await poll(() => cut).toBe(true);
  expect(written).toBeLessThan(64 * KIB * KIB);
  await other.stop();
  await gushing.close();
});

test('a result in an event stream that is too large is told of as well', async () => {
  const streaming = await startUpstream({
    tools: [plain('stream')],
    handlers: {
      'tools/call': ({ id }, res) => {
        event(res, { jsonrpc: '2.0', id: id!, result: textResult('x'.repeat(100 * KIB)) });
        res.end();
        return undefined;
      },
    },
  });
  const items = { tools: { stream: { maxResultSize: '64KiB' } } };
  const other = await startGateway({
    config: { upstreams: { up: { url: streaming.url, items }, old: { url: old.url } } },
  });
  const session = await Session.open(other.url);
  expect(await session.result('tools/call', { name: 'up__stream' })).toMatchObject({ isError: true });
  await other.stop();
  await streaming.close();
});

test('a task is shaped as any call', { timeout: 30_000 }, async () => {
  const items = {
    tools: {
      'simulate-research-query': { name: 'research', arguments: { ambiguous: { value: false } } },
    },
  };
  const everything = { command: 'node_modules/.bin/mcp-server-everything', items };
  const other = await startGateway({ config: { upstreams: { everything, old: { url: old.url } } } });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(other.url)) as Transport);
  const run = async (args: object) => {
    const params = { name: 'everything__research', arguments: { topic: 'tea', ...args } };
    const stream = client.experimental.tasks.callToolStream(params, CallToolResultSchema, { task: { ttl: 60_000 } });
    let id = '';
    for await (const message of stream) if (message.type === 'taskCreated') id = message.task.taskId;
    return JSON.stringify(await client.experimental.tasks.getTaskResult(id, CallToolResultSchema));
  };
  expect(await run({})).toContain('tea');
  expect(await run({ ambiguous: true })).toContain('is set by the gateway');
  await client.close();
  await other.stop();
});

describe('prompts and resources', () => {
  let docs: ScriptedUpstream;
  let other: Gateway;
  const complete: object[] = [];

  beforeAll(async () => {
    docs = await startUpstream({
      prompts: [
        {
          name: 'greet',
          arguments: [
            { name: 'style', required: true },
            { name: 'who', description: 'old' },
          ],
        },
        { name: 'secret' },
      ],
      resources: [
        { uri: 'note://open/1', name: 'one', title: 'One' },
        { uri: 'note://n/secret/2', name: 'two' },
      ],
      resourceTemplates: [
        { uriTemplate: 'note://open/{id}', name: 'open' },
        { uriTemplate: 'vault://{id}', name: 'vault' },
      ],
      capabilities: { completions: {}, resources: { subscribe: true } },
      handlers: {
        'prompts/get': ({ params }) => ({
          messages: [{ role: 'user', content: { type: 'text', text: JSON.stringify(params) } }],
        }),
        'completion/complete': ({ params }) => {
          complete.push(params as object);
          return { completion: { values: ['a'] } };
        },
        'resources/read': ({ params }) => ({
          contents: [{ uri: (params as { uri: string }).uri, text: 'x'.repeat(2 * KIB) }],
        }),
        'resources/subscribe': () => ({}),
      },
    });
    const items = {
      prompts: {
        greet: { name: 'hello', arguments: { style: { value: 'formal' }, who: { description: 'new' } } },
        'secret*': { hide: true },
      },
      resources: {
        'note://n/secret/*': { hide: true },
        'note://open/1': { title: 'First' },
        'note://open/9': { maxResultSize: '1KiB' },
      },
      resourceTemplates: { 'vault://{id}': { hide: true } },
    };
    other = await startGateway({ config: { upstreams: { docs: { url: docs.url, items }, old: { url: old.url } } } });
  });
  afterAll(async () => {
    await other?.stop();
    await docs?.close();
  });

  test('a prompt has another name and no argument that is fixed, for whoever gets it', async () => {
    const session = await Session.open(other.url);
    expect(await session.result('prompts/list')).toEqual({
      prompts: [{ name: 'docs__hello', arguments: [{ name: 'who', description: 'new' }] }],
    });
    const text = JSON.stringify(
      await session.result('prompts/get', { name: 'docs__hello', arguments: { who: 'you' } }),
    );
    expect(text).toContain(JSON.stringify(JSON.stringify({ style: 'formal', who: 'you' })).slice(1, -1));
    const { error } = await session.request('prompts/get', { name: 'docs__hello', arguments: { style: 'rude' } });
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining('"style" of docs__hello') });
    for (const name of ['docs__greet', 'docs__secret'])
      expect((await session.request('prompts/get', { name })).error?.message).toBe(`Unknown prompt: ${name}`);
  });

  test('what is fixed is not completed, and is told when others are', async () => {
    const session = await Session.open(other.url);
    const ref = { type: 'ref/prompt', name: 'docs__hello' };
    const ask = (argument: object, more: object = {}) =>
      session.result('completion/complete', { ref, argument, ...more });
    complete.length = 0;
    expect(await ask({ name: 'style', value: 'f' })).toEqual({ completion: { values: [], total: 0, hasMore: false } });
    expect(complete).toEqual([]);
    const who = { name: 'who', value: '' };
    expect(await ask(who)).toEqual({ completion: { values: ['a'] } });
    expect(await ask(who, { context: { arguments: { x: 'y' } } })).toEqual({ completion: { values: ['a'] } });
    const upstreamRef = { ...ref, name: 'greet' };
    expect(complete).toEqual([
      { ref: upstreamRef, argument: who, context: { arguments: { style: 'formal' } } },
      { ref: upstreamRef, argument: who, context: { arguments: { style: 'formal', x: 'y' } } },
    ]);
  });

  test('resources that are hidden are not there by any way, spelling or template', async () => {
    const session = await Session.open(other.url);
    const modern = new ModernClient(other.url);
    expect(await session.result('resources/list')).toEqual({
      resources: [{ uri: 'note://open/1', name: 'one', title: 'First' }],
    });
    expect(await session.result('resources/templates/list')).toEqual({
      resourceTemplates: [{ uriTemplate: 'note://open/{id}', name: 'open' }],
    });
    for (const uri of [
      'note://n/secret/2',
      'note://n/secret/other',
      'note://n/open/../secret/2',
      'note://n/%73ecret/2',
      'vault://1',
    ]) {
      expect((await session.request('resources/read', { uri })).error?.message, uri).toBe(`Resource not found: ${uri}`);
      expect((await session.request('resources/subscribe', { uri })).error?.message, uri).toBe(
        `Resource not found: ${uri}`,
      );
      expect(JSON.stringify((await modern.ask('resources/read', { params: { uri } })).messages)).toContain('-32602');
    }
    const ref = { type: 'ref/resource', uri: 'vault://{id}' };
    const { error } = await session.request('completion/complete', { ref, argument: { name: 'id', value: '' } });
    expect(error?.code).toBe(-32602);
    expect(docs.of('resources/read')).toEqual([]);
    expect(await session.result('resources/read', { uri: 'note://open/7' })).toHaveProperty('contents');
  });

  test('a resource that is too large is an error', async () => {
    const session = await Session.open(other.url);
    const { error } = await session.request('resources/read', { uri: 'note://open/9' });
    expect(error).toMatchObject({ code: -32603, message: expect.stringContaining('larger than the 1024 bytes') });
  });
});

describe('a running gateway', () => {
  let other: Gateway;
  beforeEach(async () => {
    await other?.stop();
    other = await startGateway({ config: { lists: { firstWait: '60s' }, upstreams: upstreams({}) } });
  });
  afterAll(() => other?.stop());

  test('takes other items over, tells clients, and keeps its links', async () => {
    const session = await Session.open(other.url);
    expect(await session.names()).toContain('old__create_issue');
    await session.callText('old__third');
    const stream = await session.listen();
    const opened = old.of('initialize').length;
    const config = { server: { port: 0 }, lists: { firstWait: '60s' }, upstreams: upstreams() };
    await writeFile(other.configPath, stringify(config));
    await poll(() => stream.messages.some(({ method }) => method === 'notifications/tools/list_changed')).toBe(true);
    expect(await session.names()).toEqual(expect.arrayContaining(['old__new_issue', 'recent__new_issue']));
    expect(JSON.parse(await session.callText('old__new_issue', { repo: 'r' }))).toEqual({ owner: 'acme', repo: 'r' });
    expect(old.of('initialize')).toHaveLength(opened);
    await stream.close();
  });

  test('says what does not fit the items, once', async () => {
    const items = {
      tools: {
        create_isue: { title: 'typo' },
        third: { name: 'second', arguments: { none: { value: 1 } } },
      },
    };
    await writeFile(other.configPath, stringify({ server: { port: 0 }, upstreams: { old: { url: old.url, items } } }));
    await other.waitForLog(
      ({ problem }) => problem === 'it cannot be called "second", which is the name of another item',
    );
    await other.waitForLog(
      ({ problem, name }) => problem === 'the upstream has no such item' && name === 'create_isue',
    );
    const session = await Session.open(other.url);
    expect(await session.names()).toEqual(expect.arrayContaining(['old__second', 'old__third']));
    expect(other.logs.filter(({ problem }) => problem === 'it declares no argument "none"')).toHaveLength(1);
    // it is given all the same: that it is not declared does not mean that it has no effect
    expect(JSON.parse(await session.callText('old__third'))).toEqual({ none: 1 });
  });
});
