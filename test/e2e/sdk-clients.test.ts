/** The official SDK clients against the built gateway and the upstreams of the default config. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DefaultGateway, startDefaultGateway, UPSTREAMS } from './default-gateway.ts';
import { type Connected, connectV1, connectV2 } from './sdk-clients.ts';

let gateway: DefaultGateway;

beforeAll(async () => {
  gateway = await startDefaultGateway();
});
afterAll(() => gateway?.stop());

describe.each([
  ['SDK v1', connectV1, '2025-11-25'],
  ['SDK v2, legacy mode', (url: string, key: string) => connectV2(url, 'legacy', key), '2025-11-25'],
  ['SDK v2, automatic mode', (url: string, key: string) => connectV2(url, 'auto', key), '2026-07-28'],
  ['SDK v2, modern only', (url: string, key: string) => connectV2(url, { pin: '2026-07-28' }, key), '2026-07-28'],
] as const)('%s', (label, connect, version) => {
  const modern = version === '2026-07-28';
  let client: Connected;

  beforeAll(async () => {
    client = await connect(gateway.url, gateway.key);
  });
  afterAll(() => client?.close());

  it('agrees on the newest version it asks for, and gets a session where there are sessions', () => {
    expect(client.protocolVersion).toBe(version);
    if (modern) expect(client.sessionId).toBeUndefined();
    else expect(client.sessionId).toMatch(/^[\x21-\x7e]+$/);
  });

  it('sees the tools of every upstream, under names that all hosts accept', async () => {
    const tools = await client.tools();
    expect(new Set(tools).size).toBe(tools.length);
    for (const name of tools) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(new Set(tools.map((name) => name.split('__')[0]))).toEqual(new Set(UPSTREAMS));
  });

  it('sees prompts, resources and templates', async () => {
    expect(await client.prompts()).toEqual(
      expect.arrayContaining(['everything__simple-prompt', 'everything-http__simple-prompt']),
    );
    const resources = await client.resources();
    expect(resources).toContain('memory://knowledge-graph');
    expect(resources.filter((uri) => uri.startsWith('mcp+everything:demo://')).length).toBeGreaterThan(0);
    expect(resources.filter((uri) => uri.startsWith('mcp+everything-http:demo://')).length).toBeGreaterThan(0);
    expect(await client.templates()).toContain('mcp+everything:demo://resource/dynamic/text/{resourceId}');
  });

  it('calls a tool of each upstream', async () => {
    expect((await client.call('everything__echo', { message: 'one' })).text).toBe('Echo: one');
    expect((await client.call('everything-http__get-sum', { a: 19, b: 23 })).text).toContain('42');
    expect((await client.call('files__read_text_file', { path: 'welcome.md' })).text).toContain(
      '# Welcome to Patchbay',
    );
    const entity = { name: label, entityType: 'client', observations: ['was here'] };
    await client.call('memory__create_entities', { entities: [entity] });
    const { structured } = await client.call('memory__open_nodes', { names: [label] });
    expect(structured).toEqual({ entities: [entity], relations: [] });
  });

  it('tells a failed tool from a failed request', async () => {
    const failed = await client.call('files__read_text_file', { path: 'no-such-file.txt' });
    expect(failed).toMatchObject({ isError: true, text: expect.stringContaining('ENOENT') });
    await expect(client.call('files__no_such_tool', {})).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('files__no_such_tool'),
    });
  });

  it('gets the progress of each of two calls at once, and of no other', async () => {
    const watch = async (upstream: string, steps: number) => {
      const seen: string[] = [];
      const args = { duration: 0.4, steps };
      await client.call(`${upstream}__trigger-long-running-operation`, args, (p, total) => seen.push(`${p}/${total}`));
      return seen;
    };
    const [two, four] = await Promise.all([watch('everything', 2), watch('everything', 4)]);
    expect(two).toEqual(['1/2', '2/2']);
    expect(four).toEqual(['1/4', '2/4', '3/4', '4/4']);
  });

  it('gets a prompt, completes its argument and reads a resource and a template', async () => {
    expect(await client.prompt('everything__args-prompt', { city: 'Reykjavik' })).toMatchObject({
      text: expect.stringContaining('Reykjavik'),
    });
    expect(await client.complete('everything-http__completable-prompt', { name: 'department', value: 'E' })).toEqual([
      'Engineering',
    ]);
    for (const uri of [
      'mcp+everything:demo://resource/static/document/architecture.md',
      'mcp+everything-http:demo://resource/dynamic/text/1',
    ]) {
      const [content] = await client.read(uri);
      expect(content).toMatchObject({ uri, text: expect.stringMatching(/./) });
    }
  });

  it('listens on the standalone stream of its session, where there is one', async () => {
    await expect
      .poll(() => client.sent.filter(({ http }) => http === 'GET').map(({ status }) => status))
      .toEqual(modern ? [] : [200]);
  });
});

describe('a session', () => {
  it('is over when the client says so, and a later request is told to start anew', async () => {
    const client = await connectV1(gateway.url, gateway.key);
    await client.tools();
    const headers = {
      authorization: `Bearer ${gateway.key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': client.sessionId!,
    };
    const ping = () =>
      fetch(gateway.url, { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' });
    expect((await ping()).status).toBe(200);
    await client.close();
    expect((await ping()).status).toBe(404);
  });
});

describe('a client that asks for the modern era', () => {
  it('in automatic mode asks with server/discover, and shakes no hands', async () => {
    const client = await connectV2(gateway.url, 'auto', gateway.key);
    await client.tools();
    const [probe, next] = client.sent;
    expect(probe).toMatchObject({ http: 'POST', method: 'server/discover', status: 200 });
    expect(probe!.headers.get('mcp-protocol-version')).toBe('2026-07-28');
    expect(next).toMatchObject({ http: 'POST', method: 'tools/list', status: 200 });
    await client.close();
  });
});
