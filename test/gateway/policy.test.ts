/** A policy: principals who sign in to one gateway see and use what it allows them, and nothing else is there. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Bench, byJwt, startBench } from '../auth/bench.ts';
import { Session } from './client.ts';
import { ModernClient } from './modern-client.ts';
import { ERAS, probe } from './prober.ts';
import { tool } from './scripted-upstream.ts';

const POLICY = [
  { name: 'reading', allow: ['*'], readOnly: true },
  { name: 'open things', allow: ['*'], kinds: ['prompts', 'resources'] },
  { name: 'writers', allow: ['legacy/*'], groups: ['eng'] },
  { name: 'deleting', deny: ['*/delete*'], unless: { scopes: ['admin'] } },
  { name: 'secrets', deny: ['legacy/l://secret*'], unless: { claims: { clearance: ['3', '4'] } } },
];

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({
    config: {
      policy: POLICY,
      profiles: { reading: { include: ['legacy/read', 'legacy/l://*'] } },
      lists: { firstWait: '60s', pageSize: 2 },
    },
    upstreams: ({ legacy, modern }) => {
      legacy.script.tools = [
        { ...tool('read'), annotations: { readOnlyHint: true } },
        tool('write'),
        { ...tool('delete'), annotations: { destructiveHint: true } },
      ];
      legacy.script.resourceTemplates = [{ uriTemplate: 'l://{id}', name: 'any' }];
      legacy.script.capabilities = {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
      };
      modern.script.handlers = {
        ...modern.script.handlers,
        'resources/read': ({ params }) => ({
          contents: [{ uri: params?.uri, text: 'x' }],
          ttlMs: 9_000,
          cacheScope: 'public',
        }),
      };
      return { legacy: { url: legacy.url, sharing: 'shared' }, modern: { url: modern.url } };
    },
  });
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

const GUEST = { user: 'guest' };
const ENG = { user: 'eng', claims: { groups: ['eng'] } };
const ADMIN = { user: 'admin', claims: { groups: ['eng', 'ops'], clearance: 3 }, scope: 'admin' };

const READABLE = ['prompts legacy__hello', 'resources l://open', 'resources m://1', 'resourceTemplates l://{id}'];

/** Every item of a paged list. */
async function all(who: typeof GUEST, era: (typeof ERAS)[number], url = bench.gateway.url): Promise<string[]> {
  const prober = await probe(era, url, await bench.bearer({ audience: url, ...who }));
  const found: string[] = [];
  for (const [list, method, key] of [
    ['tools', 'tools/list', 'name'],
    ['prompts', 'prompts/list', 'name'],
    ['resources', 'resources/list', 'uri'],
    ['resourceTemplates', 'resources/templates/list', 'uriTemplate'],
  ] as const) {
    let cursor: unknown;
    do {
      const { result, error } = await prober.ask(method, cursor === undefined ? {} : { cursor });
      if (error) break;
      const items = (result as Record<string, Record<string, unknown>[]>)[list]!;
      found.push(...items.map((item) => `${list} ${item[key]}`));
      cursor = result?.nextCursor;
    } while (cursor !== undefined);
  }
  return found;
}

describe.each(ERAS)('%s clients', (era) => {
  test.each([
    ['a guest', GUEST, ['tools legacy__read', ...READABLE]],
    ['an engineer', ENG, ['tools legacy__read', 'tools legacy__write', ...READABLE]],
    [
      'an admin',
      ADMIN,
      [
        ...['tools legacy__read', 'tools legacy__write', 'tools legacy__delete'],
        ...['prompts legacy__hello', 'resources l://open', 'resources l://secret', 'resources m://1'],
        'resourceTemplates l://{id}',
      ],
    ],
  ])('%s is listed what the policy allows, and can use just that', async (_, who, expected) => {
    const listed = await all(who, era);
    expect(listed).toEqual(expected);
    const prober = await probe(era, bench.gateway.url, await bench.bearer(who));
    for (const item of [
      ...(await all(ADMIN, era)),
      'tools modern__one',
      'resources l://secret7',
      'resources l://%73ecret',
    ]) {
      const kind = item.slice(0, item.indexOf(' '));
      const answer = await prober.use(item);
      const unlisted = item.startsWith('resources l://') && who === ADMIN;
      if (listed.includes(item) || unlisted) expect([item, answer]).toEqual([item, 'ok']);
      else expect([item, answer]).toEqual([item, await prober.use(`${kind} never:///x`)]);
    }
  });

  test('what a profile selects is subject to the policy', async () => {
    const url = `${bench.gateway.url}/reading`;
    expect(await all(GUEST, era, url)).toEqual([
      'tools legacy__read',
      'resources l://open',
      'resourceTemplates l://{id}',
    ]);
    expect(await all(ADMIN, era, url)).toContain('resources l://secret');
  });

  test('a refusal is in the audit trail, with the rule', async () => {
    const prober = await probe(era, bench.gateway.url, await bench.bearer({ user: `${era}-snoop` }));
    await prober.use('tools legacy__delete');
    await prober.use('resources l://secret');
    await prober.use('tools modern__one');
    await prober.use('tools legacy__never');
    const lines = () =>
      bench.gateway.logs.filter(({ audit, principal }) => audit === 'denied' && principal === `${era}-snoop`);
    await expect.poll(() => lines().length).toBe(3);
    expect(lines()).toMatchObject([
      { upstream: 'legacy', item: 'delete', method: 'tools/call', profile: 'default', rule: 'policy[3] "deleting"' },
      { upstream: 'legacy', item: 'l://secret', method: 'resources/read', rule: 'policy[4] "secrets"' },
      { upstream: 'modern', item: 'one', rule: 'none allows it' },
    ]);
    expect(lines()[0]).toMatchObject({ issuer: bench.issuer.url });
  });

  test('an upstream of which nothing is allowed is not spoken of', async () => {
    const { server } = await probe(
      era,
      bench.gateway.url,
      await bench.bearer({ user: 'nobody', claims: { groups: [] } }),
    );
    expect(JSON.stringify(server)).not.toContain('modern');
  });
});

describe('principals with different policies on one shared upstream', () => {
  test('cursors of one are none of the other', async () => {
    const [eng, guest] = await Promise.all(
      [ENG, GUEST].map(async (who) => Session.open(bench.gateway.url, { headers: await bench.bearer(who) })),
    );
    const { nextCursor } = await (await Session.open(bench.gateway.url, { headers: await bench.bearer(ADMIN) })).result(
      'tools/list',
    );
    for (const session of [eng!, guest!])
      expect((await session.request('tools/list', { cursor: nextCursor })).error?.code).toBe(-32602);
  });

  test('lists are private, and so is what is read, whatever the upstream says', async () => {
    const client = new ModernClient(bench.gateway.url, {}, await bench.bearer(GUEST));
    expect((await client.result('tools/list')).cacheScope).toBe('private');
    const read = await client.result('resources/read', { params: { uri: 'm://1' } });
    expect(read).toMatchObject({ ttlMs: 9_000, cacheScope: 'private' });
  });

  test('completions', async () => {
    for (const [who, count] of [
      [GUEST, 1],
      [ADMIN, 2],
    ] as const) {
      const session = await Session.open(bench.gateway.url, { headers: await bench.bearer(who) });
      const found: unknown[] = [];
      for (const uri of ['l://open', 'l://secret']) {
        const params = { ref: { type: 'ref/resource', uri }, argument: { name: 'id', value: '' } };
        const { result } = await session.request('completion/complete', params);
        if (result) found.push(uri);
      }
      expect([who.user, found.length]).toEqual([who.user, count]);
    }
  });

  test('subscriptions and updates of legacy clients', async () => {
    const [admin, guest] = await Promise.all(
      [ADMIN, GUEST].map(async (who) => Session.open(bench.gateway.url, { headers: await bench.bearer(who) })),
    );
    const streams = [await admin!.listen(), await guest!.listen()];
    expect((await admin!.request('resources/subscribe', { uri: 'l://secret' })).result).toEqual({});
    expect((await guest!.request('resources/subscribe', { uri: 'l://secret' })).error?.code).toBe(-32002);
    for (const session of [admin!, guest!]) await session.result('resources/subscribe', { uri: 'l://open' });
    for (const uri of ['l://secret', 'l://open'])
      bench.legacy.push({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } });
    for (const stream of streams) await expect.poll(() => stream.text).toContain('l://open');
    expect(streams.map(({ text }) => text.includes('l://secret'))).toEqual([true, false]);
    for (const stream of streams) await stream.close();
  });

  test('what modern clients listen to', async () => {
    for (const [who, agreed] of [
      [GUEST, ['l://open']],
      [ADMIN, ['l://secret', 'l://open']],
    ] as const) {
      const client = new ModernClient(bench.gateway.url, {}, await bench.bearer(who));
      const notifications = { resourceSubscriptions: ['l://secret', 'l://open'] };
      const stream = await client.send('subscriptions/listen', { params: { notifications } });
      await expect
        .poll(() => stream.messages[0]?.params)
        .toMatchObject({
          notifications: { resourceSubscriptions: agreed },
        });
      await stream.close();
    }
    expect(
      bench.gateway.logs.filter(({ audit, method }) => audit === 'denied' && method === 'subscriptions/listen'),
    ).toMatchObject([{ principal: 'guest', item: 'l://secret', rule: 'policy[4] "secrets"' }]);
  });

  test('changes of lists are told to those who see them', async () => {
    const [eng, guest] = await Promise.all(
      [ENG, GUEST].map(async (who) => Session.open(bench.gateway.url, { headers: await bench.bearer(who) })),
    );
    const streams = [await eng!.listen(), await guest!.listen()];
    const changed = (text: string): boolean => text.includes('tools/list_changed');
    const before = bench.legacy.script.tools!;
    bench.legacy.script.tools = [...before, tool('write_more')];
    bench.legacy.push({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await expect.poll(() => changed(streams[0]!.text)).toBe(true);
    bench.legacy.script.resources = [...bench.legacy.script.resources!, { uri: 'l://new', name: 'new' }];
    bench.legacy.push({ jsonrpc: '2.0', method: 'notifications/resources/list_changed' });
    await expect.poll(() => streams[1]!.text).toContain('resources/list_changed');
    expect(changed(streams[1]!.text)).toBe(false);
    for (const stream of streams) await stream.close();
  });
});

test('a session goes by the newest token: with other groups, other things are there, and the client is told', async () => {
  const session = await Session.open(bench.gateway.url, { headers: await bench.bearer({ user: 'moved' }) });
  const stream = await session.listen();
  expect((await session.request('tools/call', { name: 'legacy__write' })).error?.code).toBe(-32602);
  const next = await bench.bearer({ user: 'moved', claims: { groups: ['eng'] }, lifetime: 900 });
  const answer = await session.post(
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'legacy__write' } },
    next,
  );
  expect(answer.response(1).result).toBeDefined();
  await expect.poll(() => stream.text).toContain('notifications/tools/list_changed');
  await stream.close();
});

test('a changed policy takes effect at once: what was subscribed to is told no more', async () => {
  const session = await Session.open(bench.gateway.url, { headers: await bench.bearer(ENG) });
  const stream = await session.listen();
  for (const uri of ['l://open', 'l://mine']) await session.result('resources/subscribe', { uri });
  const config = parse(await readFile(bench.gateway.configPath, 'utf8')) as Record<string, unknown>;
  const policy = [{ allow: ['legacy/write', 'modern/*'] }];
  await writeFile(bench.gateway.configPath, stringify({ ...config, policy }));
  await bench.gateway.waitForLog(({ changes }) => JSON.stringify(changes ?? '').includes('policy: changed'));
  await expect.poll(() => stream.text).toContain('tools/list_changed');
  const update = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'l://open' } };
  bench.legacy.push(update);
  expect((await session.request('tools/call', { name: 'legacy__read' })).error?.code).toBe(-32602);
  expect(await session.callText('legacy__write')).toBe('write');
  expect(stream.text).not.toContain('l://open');
  // what it may not see any more it may still leave
  expect((await session.request('resources/unsubscribe', { uri: 'l://mine' })).result).toEqual({});
  const [left] = await bench.legacy.waitFor('resources/unsubscribe');
  expect(left?.params).toMatchObject({ uri: 'l://mine' });
  await stream.close();
  await writeFile(bench.gateway.configPath, stringify(config));
});

describe('tokens of a profile', () => {
  let own: Bench;
  beforeAll(async () => {
    own = await startBench({
      auth: (issuer) => ({ ...byJwt(issuer), scopes: { required: ['mcp'], includes: { all: ['mcp', 'research'] } } }),
      config: { profiles: { research: { title: 'Research', scopes: ['research'] } } },
    });
  });
  afterAll(async () => own?.[Symbol.asyncDispose]());

  const get = async (path: string) => {
    const response = await fetch(new URL(path, own.gateway.url));
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test('its metadata names it as the resource, at a path of its own', async () => {
    const { body } = await get('/.well-known/oauth-protected-resource/mcp/research');
    expect(body).toMatchObject({
      resource: `${own.gateway.url}/research`,
      resource_name: 'Research',
      scopes_supported: ['mcp', 'research'],
      authorization_servers: [own.issuer.url],
    });
    const usual = await get('/.well-known/oauth-protected-resource/mcp');
    expect(usual.body).toMatchObject({
      resource: own.gateway.url,
      resource_name: 'Patchbay',
      scopes_supported: ['mcp'],
    });
    expect((await get('/.well-known/oauth-protected-resource/mcp/reserch')).status).toBe(404);
  });

  test('a client without a token is led there', async () => {
    const response = await fetch(`${own.gateway.url}/research`, { method: 'POST' });
    const challenge = response.headers.get('www-authenticate');
    expect(response.status).toBe(401);
    expect(challenge).toContain('resource_metadata="');
    expect(challenge).toContain('/.well-known/oauth-protected-resource/mcp/research"');
    expect(challenge).toContain('scope="mcp research"');
  });

  test.each(ERAS)('a token is good where it is for, with the scopes that are needed there (%s)', async (era) => {
    const at = `${own.gateway.url}/research`;
    const token = (audience: string, scope: string) => own.bearer({ user: 'ann', audience, scope });
    const open = async (url: string, headers: object) => {
      const prober = await probe(era, url, headers as Record<string, string>);
      return (await prober.listed()).length > 0;
    };
    expect(await open(at, await token(at, 'mcp research'))).toBe(true);
    expect(await open(at, await token(at, 'all'))).toBe(true);
    await expect(open(at, await token(own.gateway.url, 'mcp research'))).rejects.toThrow(/401|another audience/);
    await expect(open(own.gateway.url, await token(at, 'mcp research'))).rejects.toThrow(/401|another audience/);
    await expect(open(at, await token(at, 'mcp'))).rejects.toThrow(/research/);
  });

  test('who has not signed in is not told which profiles there are', async () => {
    const response = await fetch(`${own.gateway.url}/reserch`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('/mcp/research');
  });
});
