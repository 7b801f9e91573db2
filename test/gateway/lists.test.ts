/** Merged lists: order, pages, cursors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { itemsOf, Session } from './client.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const LISTS = [
  ['tools/list', 'tools', 'name'],
  ['prompts/list', 'prompts', 'name'],
  ['resources/list', 'resources', 'uri'],
  ['resources/templates/list', 'resourceTemplates', 'uriTemplate'],
] as const;
/** In the order the peer lists them. */
const PEER_TOOLS = 'echo add sleep exit big log whoami links fail weird add_tool remove_tool'.split(' ');

let peer: HttpFixture;
let scripted: ScriptedUpstream;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  peer = await startFixture('peer-server', { env: { PAGE: '2' } });
  scripted = await startUpstream({
    tools: [tool('zoo'), tool('ant')],
    prompts: [{ name: 'zebra' }],
    resources: [{ uri: 'memo://z', name: 'z' }],
    resourceTemplates: [{ uriTemplate: 'memo://{id}', name: 'memo' }],
    handlers: { 'tools/call': () => textResult('called') },
  });
  gateway = await startGateway({ config: { upstreams } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
  await scripted?.close();
});

/** In an order that is no alphabet's. */
const upstreams = {
  get peer() {
    return { url: peer.url };
  },
  get alpha() {
    return { url: scripted.url };
  },
};

const EXPECTED = {
  tools: [...PEER_TOOLS.map((name) => `peer__${name}`), 'alpha__zoo', 'alpha__ant'],
  prompts: ['peer__greet', 'peer__plain', 'alpha__zebra'],
  resources: ['note://static/a', 'note://static/b', 'note://static/c', 'memo://z'],
  resourceTemplates: ['note://item/{id}', 'memo://{id}'],
};

/** Runs a test against another gateway in front of the same upstreams. */
async function withConfig(config: object, run: (gateway: Gateway) => Promise<void>): Promise<void> {
  const other = await startGateway({ config: { upstreams, ...config } });
  await run(other).finally(() => other.stop());
}

describe('a merged list', () => {
  test.each(LISTS)(
    '%s has all pages of all upstreams, in the order of the config, in one page',
    async (method, list, key) => {
      const result = await session.result(method);
      expect(itemsOf(result, list).map((item) => item[key])).toEqual(EXPECTED[list]);
      expect(result).not.toHaveProperty('nextCursor');
    },
  );

  test('#73 asked twice, by two clients and of two processes, it is the same bytes', async () => {
    const bytes = async ({ url }: Gateway) => {
      const asking = await Session.open(url);
      const asked = LISTS.map(([method]) => asking.post({ jsonrpc: '2.0', id: 1, method }));
      return (await Promise.all(asked)).map(({ text }) => text);
    };
    const first = await bytes(gateway);
    expect(await bytes(gateway)).toEqual(first);
    await withConfig({}, async (other) => expect(await bytes(other)).toEqual(first));
  });

  test('#68 an upstream that repeats its cursor: the list ends, with a warning', async () => {
    await withConfig(
      { upstreams: { loop: stdioUpstream('raw-upstream', ['loop-cursor']), alpha: upstreams.alpha } },
      async (other) => {
        expect(await (await Session.open(other.url)).names()).toEqual(['loop__raw', 'alpha__zoo', 'alpha__ant']);
        const warning = await other.waitForLog(
          (line) => line.upstream === 'loop' && /cursor/.test(String(line.reason)),
        );
        expect(warning).toMatchObject({ level: 'warn', method: 'tools/list' });
      },
    );
  });
});

describe('lists.pageSize', () => {
  /** Follows the cursors of a list. @returns its pages of names */
  async function walk(asking: Session, [method, list, key]: (typeof LISTS)[number]): Promise<unknown[][]> {
    const pages: unknown[][] = [];
    let cursor: unknown;
    do {
      const result: Readonly<Record<string, unknown>> = await asking.result(
        method,
        cursor === undefined ? {} : { cursor },
      );
      pages.push(itemsOf(result, list).map((item) => item[key]));
      cursor = result.nextCursor;
    } while (cursor !== undefined && pages.length < 50);
    return pages;
  }

  test('pages of that size, nothing twice, nothing left out', async () => {
    await withConfig({ lists: { pageSize: 3 } }, async ({ url }) => {
      const asking = await Session.open(url);
      for (const list of LISTS) {
        const pages = await walk(asking, list);
        expect(pages.flat()).toEqual(EXPECTED[list[1]]);
        expect(pages.slice(0, -1).every((page) => page.length === 3)).toBe(true);
        expect(pages.at(-1)?.length).toBeGreaterThan(0);
      }
    });
  });

  test('#69 a cursor that was changed, is of another list or was never given → -32602', async () => {
    await withConfig({ lists: { pageSize: 3 } }, async ({ url }) => {
      const asking = await Session.open(url);
      const { nextCursor } = await asking.result('tools/list');
      const cursor = String(nextCursor);
      const changed = [
        `${cursor}A`,
        cursor.slice(0, -1),
        flip(cursor, 10),
        flip(cursor, cursor.length - 1),
        ` ${cursor}`,
      ];
      for (const bad of [...changed, '', 'tools@2', '3', 'again', cursor.toUpperCase(), 3, null, {}]) {
        const { error } = await asking.request('tools/list', { cursor: bad });
        expect({ bad, code: error?.code }).toEqual({ bad, code: -32602 });
      }
      expect((await asking.request('prompts/list', { cursor })).error?.code).toBe(-32602);
      expect(cursor).not.toContain('tools@');
      expect(itemsOf(await asking.result('tools/list', { cursor }), 'tools')).toHaveLength(3);
      await withConfig({ lists: { pageSize: 3 } }, async (other) => {
        const elsewhere = await Session.open(other.url);
        expect((await elsewhere.request('tools/list', { cursor })).error?.code).toBe(-32602);
      });
    });
  });

  test('#69 the cursor of a list that has changed since → -32602, not a page of the new one', async () => {
    await withConfig({ lists: { pageSize: 3 } }, async ({ url }) => {
      const asking = await Session.open(url);
      const { nextCursor: cursor } = await asking.result('tools/list');
      await asking.callText('peer__add_tool', { name: 'added' });
      await expect.poll(() => walk(asking, LISTS[0]).then((pages) => pages.flat())).toContain('peer__added');
      expect((await asking.request('tools/list', { cursor })).error?.code).toBe(-32602);
      await asking.callText('peer__remove_tool', { name: 'added' });
      await expect.poll(() => session.names()).not.toContain('peer__added');
    });
  });
});

const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

describe('limits of what is fetched', () => {
  test('lists.maxPages: that many pages of each list, with a warning that names it', async () => {
    await withConfig({ lists: { maxPages: 2 } }, async (other) => {
      const names = await (await Session.open(other.url)).names();
      expect(names).toEqual([...EXPECTED.tools.slice(0, 4), 'alpha__zoo', 'alpha__ant']);
      await other.waitForLog((line) => line.upstream === 'peer' && String(line.reason).includes('lists.maxPages'));
    });
  });

  test('lists.maxItems: no more items than that of each list, with a warning that names it', async () => {
    await withConfig({ lists: { maxItems: 5 } }, async (other) => {
      const names = await (await Session.open(other.url)).names();
      expect(names).toEqual([...EXPECTED.tools.slice(0, 5), 'alpha__zoo', 'alpha__ant']);
      await other.waitForLog((line) => line.upstream === 'peer' && String(line.reason).includes('lists.maxItems'));
    });
  });

  test('lists.refresh: a catalog of that age is fetched again', async () => {
    const quiet = await startUpstream({ tools: [tool('before')] });
    await withConfig({ lists: { refresh: '100ms' }, upstreams: { quiet: { url: quiet.url } } }, async ({ url }) => {
      const asking = await Session.open(url);
      expect(await asking.names()).toEqual(['quiet__before']);
      quiet.script.tools = [tool('after')];
      await expect.poll(() => asking.names()).toEqual(['quiet__after']);
    }).finally(() => quiet.close());
  });
});

describe('what is not there', () => {
  test('#67 an unknown tool or prompt → -32602 that names it', async () => {
    const name = 'peer__nothing';
    for (const method of ['tools/call', 'prompts/get']) {
      const { error, result } = await session.request(method, { name });
      expect({ method, code: error?.code, result }).toEqual({ method, code: -32602, result: undefined });
      expect(error?.message).toContain(name);
    }
  });

  test('the upstream’s own name is not an exposed one', async () => {
    for (const name of ['echo', 'zoo', 'peer_echo', 'peer__', '__echo', 'PEER__echo', 'alpha__echo']) {
      expect((await session.request('tools/call', { name })).error?.code, name).toBe(-32602);
    }
  });

  test('an unknown resource → -32002 with its URI', async () => {
    for (const uri of ['nothing://here', 'mcp+nobody:note://static/a', 'mcp+:x', '']) {
      const { error } = await session.request('resources/read', { uri });
      expect(error).toMatchObject({ code: -32002, data: { uri } });
    }
  });
});
