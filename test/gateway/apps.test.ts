/** MCP Apps: what a view needs of a gateway. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { ModernClient } from './modern-client.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

let upstreams: ScriptedUpstream[];
let gateway: Gateway;
let last = 0;

const withUi = (name: string, upstream: string, visibility?: string[]) => ({
  ...tool(name),
  _meta: { ui: { resourceUri: `ui://${upstream}/view`, ...(visibility ? { visibility } : {}) } },
});

beforeAll(async () => {
  upstreams = await Promise.all(
    ['one', 'two'].map((name) =>
      startUpstream({
        tools: [withUi('both', name), withUi(`only-${name}`, name, ['app']), withUi(`model-${name}`, name, ['model'])],
        resources: [],
        handlers: {
          'tools/call': ({ params }) => textResult(`${name} ${String(params?.name)}`),
          'resources/read': ({ params }) => ({
            contents: [
              {
                uri: params?.uri,
                mimeType: 'text/html;profile=mcp-app',
                text: `<p>${name}</p>`,
                _meta: { ui: { csp: { a: 1.0 } } },
              },
            ],
          }),
        },
      }),
    ),
  );
  const [one, two] = upstreams.map(({ url }) => ({ url }));
  gateway = await startGateway({ config: { upstreams: { one, two } } });
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all(upstreams?.map((upstream) => upstream.close()) ?? []);
});

test.each(['legacy', 'modern'])(
  '#90 a view of a %s client reaches its own tools by their own names, once it is open',
  async (era) => {
    const session = await Session.open(gateway.url);
    const client = new ModernClient(gateway.url);
    const call = async (name: string): Promise<unknown> => {
      if (era === 'modern') return (await client.ask('tools/call', { params: { name, arguments: {} } })).message;
      return (await session.post({ jsonrpc: '2.0', id: ++last, method: 'tools/call', params: { name, arguments: {} } }))
        .message;
    };
    const read = async (uri: string): Promise<Record<string, unknown>> => {
      if (era === 'modern') return client.result('resources/read', { params: { uri } });
      const answer = await session.post({ jsonrpc: '2.0', id: 'r', method: 'resources/read', params: { uri } });
      return answer.message.result as Record<string, unknown>;
    };
    if (era === 'legacy') expect(await call('only-one')).toMatchObject({ error: { code: -32602 } });

    const { contents } = await read('ui://one/view');
    expect(contents).toMatchObject([{ uri: 'ui://one/view', text: '<p>one</p>', _meta: { ui: { csp: { a: 1 } } } }]);
    expect(await call('only-one')).toMatchObject({ result: { content: [{ text: 'one only-one' }] } });
    // its own, while no other app is open that has one of this name
    if (era === 'legacy') expect(await call('both')).toMatchObject({ result: { content: [{ text: 'one both' }] } });
    expect(await call('model-one')).toMatchObject({ error: { code: -32602 } });
    await read('ui://two/view');
    expect(await call('both')).toMatchObject({ error: { code: -32602, message: 'Unknown tool: both' } });
    await session.end();
  },
);
