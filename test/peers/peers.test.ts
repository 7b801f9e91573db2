/**
 * Real clients in front of real servers, whichever eras they speak: what flows back in the course of a call, and changes
 * that are told outside of any, in every combination.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { poll } from '../multiplexer/until.ts';
import { connectV1, connectV2, type PeerClient } from './clients.ts';
import { type Running, SERVERS } from './upstreams.ts';

const LONG_MS = 60_000;
const WAIT_MS = 30_000;

const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';
const CLIENTS = [
  { title: 'SDK v1', version: LEGACY, connect: connectV1 },
  {
    title: 'SDK v2, legacy mode',
    version: LEGACY,
    connect: (url: string, name: string) => connectV2(url, name, 'legacy'),
  },
  {
    title: 'SDK v2, automatic mode',
    version: MODERN,
    connect: (url: string, name: string) => connectV2(url, name, 'auto'),
  },
  {
    title: 'SDK v2, pinned to the modern era',
    version: MODERN,
    connect: (url: string, name: string) => connectV2(url, name, { pin: MODERN }),
  },
] as const;

describe.each(SERVERS)('$title', (server) => {
  let running: Running;
  let gateway: Gateway;
  let changes = 0;

  beforeAll(async () => {
    running = await server.start();
    // what one session or process alone has is not listed; on the link that all share, a change of a list is everybody's
    const upstreams = { own: running.config, common: { ...running.config, sharing: 'shared' } };
    gateway = await startGateway({ config: { upstreams } });
  }, LONG_MS);

  afterAll(async () => {
    await gateway?.stop();
    await running?.stop();
  }, LONG_MS);

  describe.each(CLIENTS)('and $title', ({ version, connect }) => {
    const name = `${version === MODERN ? 'grace' : 'ada'}${CLIENTS.findIndex((client) => client.connect === connect)}`;
    let client: PeerClient;

    beforeAll(async () => {
      client = await connect(gateway.url, name);
    }, LONG_MS);
    afterAll(() => client?.close(), LONG_MS);

    const use = ([tool, args]: readonly [string, object], options?: Parameters<PeerClient['call']>[2]) =>
      client.call(`own__${tool}`, args, options);

    test('agree on an era', () => {
      expect(client.version).toBe(version);
      expect(client.session !== undefined).toBe(version === LEGACY);
    });

    test(
      'elicitation',
      async () => {
        expect(await use(server.elicitation)).toContain(name);
        expect(client.asked.filter((method) => method === 'elicitation/create')).toHaveLength(1);
      },
      LONG_MS,
    );

    test(
      'sampling',
      async () => {
        expect(await use(server.sampling)).toContain(`sampled by ${name}`);
        expect(client.asked.filter((method) => method === 'sampling/createMessage')).toHaveLength(1);
      },
      LONG_MS,
    );

    test(
      'roots',
      async () => {
        expect(await use(server.roots)).toContain(`file:///home/${name}`);
        expect(client.asked).toContain('roots/list');
      },
      LONG_MS,
    );

    test(
      'progress',
      async () => {
        const reported: number[] = [];
        await use(server.progress, { onprogress: (progress) => void reported.push(progress) });
        expect(reported).toEqual(server.reported);
      },
      LONG_MS,
    );

    test(
      'cancelling',
      async () => {
        const before = await running.cancelled(client);
        const controller = new AbortController();
        const begun = Promise.withResolvers<void>();
        const called = use(server.endless, { signal: controller.signal, onprogress: () => begun.resolve() });
        called.catch(begun.reject);
        await begun.promise;
        controller.abort('not wanted any more');
        await expect(called).rejects.toThrow('not wanted any more');
        await poll(() => running.cancelled(client), WAIT_MS).toBe(before + 1);
      },
      LONG_MS,
    );

    test(
      'a resource that changes',
      async () => {
        const uri = (await client.resources()).find((known) => known === `mcp+own:${server.resource}`);
        const unsubscribe = await client.subscribe(uri!);
        await use(server.touch);
        await poll(() => client.updated, WAIT_MS).toContain(uri);
        if (server.leave) await use(server.leave);
        await unsubscribe();
        expect(new Set(client.updated)).toEqual(new Set([uri]));
      },
      LONG_MS,
    );

    test(
      'a list that changes',
      async () => {
        const { use: tool, list, item } = server.change(changes++);
        const has = async () => (await client[list]()).some((known) => known.endsWith(item));
        // a name that nobody lists is looked for until every upstream has said what it lists to this client
        await client.call('common__nobody-lists-this', {}).catch(() => undefined);
        const before = await has();
        const stop = await client.follow();
        const told = client.changed.length;
        await client.call(`common__${tool[0]}`, tool[1]);
        await poll(() => client.changed.slice(told), WAIT_MS).toContain(list);
        expect(await has()).toBe(!before);
        await stop();
      },
      LONG_MS,
    );
  });
});
