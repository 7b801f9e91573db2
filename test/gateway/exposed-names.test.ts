/** Exposed names of tools and prompts: every upstream name works. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { WEIRD_NAMES } from '../fixtures/raw/answer.ts';
import { itemsOf, Session } from './client.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const SAME = ['search', 'a__b', 'two__search'];

let one: ScriptedUpstream;
let two: ScriptedUpstream;

beforeAll(async () => {
  const script = (of: string) => ({
    tools: SAME.map(tool),
    prompts: [{ name: 'ask' }],
    handlers: {
      'tools/call': ({ params }: { params?: Readonly<Record<string, unknown>> }) =>
        textResult(`${of}: ${params?.name}`),
      'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: of } }] }),
    },
  });
  one = await startUpstream(script('one'));
  two = await startUpstream(script('two'));
});

afterAll(async () => {
  await one?.close();
  await two?.close();
});

async function withUpstreams(upstreams: object, run: (session: Session, gateway: Gateway) => Promise<void>) {
  const gateway = await startGateway({ config: { upstreams } });
  await (async () => run(await Session.open(gateway.url), gateway))().finally(() => gateway.stop());
}

const both = () => ({ one: { url: one.url }, two: { url: two.url } });

describe('the same names on two upstreams', () => {
  test('#64 all are listed, and each call reaches its own upstream under its own name', async () => {
    await withUpstreams(both(), async (session) => {
      const names = await session.names();
      expect(names).toEqual(['one', 'two'].flatMap((upstream) => SAME.map((name) => `${upstream}__${name}`)));
      for (const upstream of ['one', 'two']) {
        for (const name of SAME) {
          expect(await session.callText(`${upstream}__${name}`)).toBe(`${upstream}: ${name}`);
        }
        const { messages } = await session.result('prompts/get', { name: `${upstream}__ask` });
        expect(messages).toMatchObject([{ content: { text: upstream } }]);
      }
    });
  });

  test('#64 who starts first makes no difference', async () => {
    let names: string[] = [];
    await withUpstreams(both(), async (session) => {
      names = await session.names();
    });
    const held = Promise.withResolvers<void>();
    one.script.handlers = {
      ...one.script.handlers,
      'tools/list': async () => {
        await held.promise;
        return { tools: SAME.map(tool) };
      },
    };
    const slow = await startGateway({ config: { lists: { firstWait: '100ms' }, upstreams: both() } });
    try {
      const session = await Session.open(slow.url);
      const ofTwo = names.filter((name) => name.startsWith('two__'));
      await expect.poll(() => session.names(), { timeout: 10_000 }).toEqual(ofTwo);
      held.resolve();
      await expect.poll(() => session.names(), { timeout: 10_000 }).toEqual(names);
    } finally {
      held.resolve();
      await slow.stop();
    }
  });

  test('#65 a name that holds the separator is resolved by table', async () => {
    const upstreams = { a: { url: one.url }, a__b: { url: two.url } };
    await withUpstreams(upstreams, async (session) => {
      const names = await session.names();
      expect(new Set(names).size).toBe(2 * SAME.length);
      const reached = await Promise.all(names.map((name) => session.callText(name)));
      expect(reached.sort()).toEqual(['one', 'two'].flatMap((of) => SAME.map((name) => `${of}: ${name}`)).sort());
    });
  });
});

describe('#66 names of every kind', () => {
  const upstreams = { odd: stdioUpstream('raw-upstream', ['weird-names']) };
  let first: Session;
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config: { upstreams } });
    first = await Session.open(gateway.url);
  });

  afterAll(async () => {
    await gateway?.stop();
  });

  test('are exposed as names that every host takes, all different', async () => {
    const names = await first.names();
    expect(names).toHaveLength(WEIRD_NAMES.length);
    expect(new Set(names).size).toBe(WEIRD_NAMES.length);
    for (const name of names) expect(name).toMatch(/^odd__[A-Za-z0-9_-]{1,59}$/);
  });

  test('reach the upstream as the names it knows', async () => {
    const names = await first.names();
    for (const [i, name] of names.entries()) {
      const request = JSON.parse(await first.callText(name)) as { params: { name: string } };
      expect(request.params.name).toBe(WEIRD_NAMES[i]);
    }
  });

  test('are the same after a restart and beside other upstreams', async () => {
    const names = await first.names();
    await withUpstreams({ ...both(), ...upstreams }, async (session) => {
      expect((await session.names()).slice(-names.length)).toEqual(names);
    });
  });
});

test('a name twice in one list: it is listed once, and works', async () => {
  await withUpstreams({ dup: stdioUpstream('raw-upstream', ['dup-names']), one: { url: one.url } }, async (session) => {
    const tools = itemsOf(await session.result('tools/list'), 'tools');
    expect(tools.map(({ name }) => name)).toEqual(['dup__raw', ...SAME.map((name) => `one__${name}`)]);
    expect(tools[0]).toMatchObject({ description: 'first' });
    expect(await session.callText('dup__raw')).toContain('"name":"raw"');
  });
});
