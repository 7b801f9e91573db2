/** What a modern upstream offers and answers, as clients of older versions find it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectV1 } from '../e2e/sdk-clients.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';

const TREE = [{ name: 'a', kids: [{ name: 'b', kids: [] }] }];
const NODE = {
  type: 'object',
  properties: { name: { type: 'string' }, kids: { type: 'array', items: { $ref: '#/$defs/node' } } },
  required: ['name'],
};
const link = { type: 'resource_link', uri: 'file:///tree', name: 'tree' };

let upstream: ScriptedModern;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startModern({
    tools: [
      { name: 'plain', inputSchema: { type: 'object' } },
      {
        name: 'trees',
        inputSchema: { type: 'object' },
        outputSchema: { type: 'array', items: { $ref: '#/$defs/node' }, $defs: { node: NODE } },
      },
    ],
    handlers: { 'tools/call': () => ({ content: [link], structuredContent: TREE }) },
  });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } }, names: { prefix: 'never' } } });
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

test('a client that compiles output schemas can list tools with schemas that refer to themselves, and call them', async () => {
  const client = await connectV1(gateway.url);
  try {
    expect(await client.tools()).toEqual(['plain', 'trees']);
    const { structured } = await client.call('trees', {});
    expect(structured).toEqual({ result: TREE });
  } finally {
    await client.close();
  }
});

test('a client of 2025-03-26 gets text in place of structured content and of a link', async () => {
  const session = await Session.open(gateway.url, { version: '2025-03-26' });
  const { content, ...others } = await session.result('tools/call', { name: 'trees', arguments: {} });
  expect(content).toEqual([
    { type: 'text', text: JSON.stringify(TREE) },
    { type: 'text', text: 'tree: file:///tree' },
  ]);
  expect(others).toEqual({});
  await session.end();
});
