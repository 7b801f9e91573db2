/** URIs outside and inside: who owns one, and in which form it is seen. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { itemsOf, Session } from './client.ts';
import { json, type Received, type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';

const ODD = "notes://x%2fy/%41%C3%A9?q=a%20b+c&d=~'()*!#frag%2F";

const link = (uri: string) => ({ type: 'resource_link', uri, name: 'link' });
const embedded = (uri: string) => ({ type: 'resource', resource: { uri, text: 'embedded' } });

/** What `show` returns: URIs in every place that may hold one, and in places that only look so. */
const SHOWN = {
  content: [
    link('shared://doc'),
    embedded('item://7'),
    { type: 'tool_result', toolUseId: 't', content: [link('shared://doc'), { type: 'text', text: 'shared://doc' }] },
    { type: 'text', text: 'see shared://doc', uri: 'shared://doc' },
  ],
  structuredContent: { uri: 'shared://doc', resource: { uri: 'item://7' }, type: 'resource_link' },
  _meta: { uri: 'shared://doc' },
};

const script = (own: string) => ({
  tools: [
    tool('show'),
    tool('hint'),
    { ...tool('app'), _meta: { ui: { resourceUri: 'ui://app/main' }, 'ui/resourceUri': 'ui://app/main' } },
  ],
  prompts: [{ name: 'ask' }],
  resources: ['shared://doc', `${own}://only`].map((uri) => ({ uri, name: uri })),
  resourceTemplates: ['item://{id}', ...(own === 'one' ? ['notes://{+path}'] : [])].map((uriTemplate) => ({
    uriTemplate,
    name: uriTemplate,
  })),
  capabilities: own === 'one' ? { completions: {} } : {},
  handlers: {
    'tools/call': ({ params }: Received) => {
      const { name, arguments: args } = params as { name: string; arguments: { uri: string } };
      return name === 'show' ? SHOWN : { content: [link(args.uri)] };
    },
    'prompts/get': () => ({
      messages: [
        { role: 'user', content: embedded('shared://doc') },
        { role: 'user', content: [link('item://7'), { type: 'text', text: 'item://7' }] },
      ],
    }),
    'resources/read': ({ params }: Received) => ({ contents: [{ uri: params?.uri, text: `${own} ${params?.uri}` }] }),
    'completion/complete': ({ params }: Received) => ({
      completion: { values: [JSON.stringify(params)], total: 1, hasMore: false },
    }),
  },
});

let one: ScriptedUpstream;
let two: ScriptedUpstream;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  one = await startUpstream(script('one'));
  two = await startUpstream(script('two'));
  gateway = await startGateway({ config: { upstreams: { one: { url: one.url }, two: { url: two.url } } } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await one?.close();
  await two?.close();
});

/** Reads a resource. @returns the URI and the text of its only contents */
async function read(uri: string) {
  const [contents] = itemsOf(await session.result('resources/read', { uri }), 'contents');
  return { uri: contents?.uri, text: contents?.text };
}

const hint = async (upstream: string, uri: string) => {
  const [shown] = itemsOf(
    await session.result('tools/call', { name: `${upstream}__hint`, arguments: { uri } }),
    'content',
  );
  return String(shown?.uri);
};

describe('listed resources', () => {
  test('#76 a URI of one upstream stays; one of both is listed twice, each in a form of its own', async () => {
    const uris = await session.names('resources/list', 'resources', 'uri');
    const expected = ['mcp+one:shared://doc', 'one://only', 'mcp+two:shared://doc', 'two://only'];
    expect(uris).toEqual(expected);
    for (const uri of uris) expect((await read(uri)).uri).toBe(uri);
  });

  test('#76 each is read from its own upstream, under the URI that one knows', async () => {
    expect((await read('mcp+one:shared://doc')).text).toBe('one shared://doc');
    expect((await read('mcp+two:shared://doc')).text).toBe('two shared://doc');
    expect((await read('one://only')).text).toBe('one one://only');
    expect((await read('two://only')).text).toBe('two two://only');
  });

  test('what nobody was shown → -32002, and no upstream is asked', async () => {
    const asked = () => one.of('resources/read').length + two.of('resources/read').length;
    const before = asked();
    for (const uri of ['shared://doc', 'never://seen', 'https://example.com/never', 'mcp+three:one://only']) {
      const { error } = await session.request('resources/read', { uri });
      expect({ uri, code: error?.code, data: error?.data }).toEqual({ uri, code: -32002, data: { uri } });
    }
    expect(asked()).toBe(before);
  });

  test('#89 the URI of an app stays ui://, in both of its places, and is readable', async () => {
    const tools = itemsOf(await session.result('tools/list'), 'tools');
    for (const upstream of ['one', 'two']) {
      const uri = `ui://${upstream}.app/main`;
      const found = tools.find(({ name }) => name === `${upstream}__app`);
      expect(found?._meta).toEqual({ ui: { resourceUri: uri }, 'ui/resourceUri': uri });
      expect(await read(uri)).toEqual({ uri, text: `${upstream} ui://app/main` });
    }
  });
});

describe('URIs in results', () => {
  test('#78 those of content blocks are in exposed form, everything else is untouched', async () => {
    const result = await session.result('tools/call', { name: 'two__show' });
    const doc = 'mcp+two:shared://doc';
    const [first, second, third, fourth] = SHOWN.content;
    expect(result).toEqual({
      content: [
        { ...first, uri: doc },
        { ...second, resource: { uri: 'mcp+two:item://7', text: 'embedded' } },
        { ...third, content: [link(doc), { type: 'text', text: 'shared://doc' }] },
        fourth,
      ],
      structuredContent: SHOWN.structuredContent,
      _meta: SHOWN._meta,
    });
    expect((await read(doc)).text).toBe('two shared://doc');
  });

  test('#78 those of prompt messages, one block or several', async () => {
    const { messages } = await session.result('prompts/get', { name: 'one__ask' });
    expect(messages).toEqual([
      { role: 'user', content: embedded('mcp+one:shared://doc') },
      { role: 'user', content: [link('mcp+one:item://7'), { type: 'text', text: 'item://7' }] },
    ]);
  });

  test('#78 that of a resource not found, in the data of the upstream’s own error', async () => {
    const { handlers = {} } = two.script;
    const error = { code: -32002, message: 'Resource not found', data: { uri: 'item://gone' } };
    two.script.handlers = {
      ...handlers,
      'resources/read': ({ id }, res) => json(res, JSON.stringify({ jsonrpc: '2.0', id, error })),
    };
    const uri = 'mcp+two:item://gone';
    const answer = await session.request('resources/read', { uri });
    two.script.handlers = handlers;
    expect(answer.error).toEqual({ ...error, data: { uri } });
  });

  test('#77 a link that is in no list is readable; the same one of another upstream gets a form of its own', async () => {
    const uri = 'hidden://place/1';
    const shown = { one: await hint('one', uri), two: await hint('two', uri) };
    expect(shown.one).not.toBe(shown.two);
    expect(await read(shown.one)).toEqual({ uri: shown.one, text: `one ${uri}` });
    expect(await read(shown.two)).toEqual({ uri: shown.two, text: `two ${uri}` });
  });

  test('#77 a web link stays as it is, and is read where it came from', async () => {
    const uri = 'https://example.com/page?x=1#y';
    expect(await hint('two', uri)).toBe(uri);
    expect(await read(uri)).toEqual({ uri, text: `two ${uri}` });
  });
});

describe('templates', () => {
  test('#79 one of both upstreams has a form for each, its expressions untouched', async () => {
    const templates = await session.names('resources/templates/list', 'resourceTemplates', 'uriTemplate');
    expect(templates).toEqual(['mcp+one:item://{id}', 'notes://{+path}', 'mcp+two:item://{id}']);
  });

  test('#79 what they expand to reaches its owner, percent-encoding and all', async () => {
    for (const id of ['7', 'a%2Fb%20c', '%c3%a9', '%41', "~'()*!"]) {
      for (const owner of ['one', 'two']) {
        const uri = `mcp+${owner}:item://${id}`;
        expect(await read(uri)).toEqual({ uri, text: `${owner} item://${id}` });
      }
    }
    expect(await read(ODD)).toEqual({ uri: ODD, text: `one ${ODD}` });
  });
});

describe('completion', () => {
  const complete = async (ref: object, more = {}) => {
    const params = { ref, argument: { name: 'id', value: 'x' }, ...more };
    return (await session.result('completion/complete', params)).completion as { values: string[] };
  };

  test('#80 for a prompt: the upstream gets its own name, and all the rest as it was', async () => {
    const context = { arguments: { before: '1' } };
    const { values } = await complete({ type: 'ref/prompt', name: 'one__ask', title: 'Ask' }, { context });
    expect(JSON.parse(values[0] ?? '')).toEqual({
      ref: { type: 'ref/prompt', name: 'ask', title: 'Ask' },
      argument: { name: 'id', value: 'x' },
      context,
    });
  });

  test('#79 for a template: the upstream gets its own template', async () => {
    for (const [uri, own] of [
      ['mcp+one:item://{id}', 'item://{id}'],
      ['notes://{+path}', 'notes://{+path}'],
    ]) {
      const { values } = await complete({ type: 'ref/resource', uri });
      expect(JSON.parse(values[0] ?? '')).toMatchObject({ ref: { type: 'ref/resource', uri: own } });
    }
  });

  test('#80 of an owner without completions: none, and it is not asked', async () => {
    const refs = [
      { type: 'ref/prompt', name: 'two__ask' },
      { type: 'ref/resource', uri: 'mcp+two:item://{id}' },
    ];
    for (const ref of refs) expect(await complete(ref)).toEqual({ values: [], total: 0, hasMore: false });
    expect(two.of('completion/complete')).toEqual([]);
  });

  test('for what is not there → -32602', async () => {
    const refs = [
      { type: 'ref/prompt', name: 'ask' },
      { type: 'ref/resource', uri: 'nothing://{id}' },
      { type: 'ref/x' },
    ];
    for (const ref of [...refs, undefined, 'one__ask']) {
      const { error } = await session.request('completion/complete', { ref, argument: { name: 'id', value: '' } });
      expect({ ref, code: error?.code }).toEqual({ ref, code: -32602 });
    }
  });
});
