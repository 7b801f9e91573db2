/** What `items` says of prompts, resources and templates, each key by itself; `shaping.test.ts` has it of tools. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { type ScriptedUpstream, startUpstream } from './scripted-upstream.ts';

const text = (length: number) => ({
  messages: [{ role: 'user', content: { type: 'text', text: 'x'.repeat(length) } }],
});

let upstream: ScriptedUpstream;
let gateway: Gateway;
let session: Session;
beforeAll(async () => {
  upstream = await startUpstream({
    prompts: ['plain', 'secret', 'slow', 'big', 'seldom'].map((name) => ({ name, title: 'Old', description: 'old' })),
    resources: ['plain', 'slow', 'seldom'].map((name) => ({ uri: `note://${name}`, name, title: 'Old' })),
    resourceTemplates: [{ uriTemplate: 'file:///{path}', name: 'files', title: 'Old', description: 'old' }],
    handlers: {
      'prompts/get': ({ params }) => {
        const { name } = params as { name: string };
        return name === 'slow' ? undefined : text(name === 'big' ? 4_096 : 1);
      },
      'resources/read': ({ params }) => {
        const { uri } = params as { uri: string };
        return uri === 'note://slow' ? undefined : { contents: [{ uri, text: 'x' }] };
      },
    },
  });
  const items = {
    prompts: {
      plain: { title: 'New', description: 'new' },
      secret: { hide: true },
      slow: { timeout: '300ms' },
      big: { maxResultSize: '1KiB' },
      seldom: { rate: '1/1h' },
    },
    resources: {
      'note://plain': { title: 'New', description: 'new' },
      'note://slow': { timeout: '300ms' },
      'note://seldom': { rate: '1/1h' },
    },
    resourceTemplates: { 'file:///{path}': { title: 'New', description: 'new' } },
  };
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url, items } } } });
  session = await Session.open(gateway.url);
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const get = async (name: string) => (await session.request('prompts/get', { name: `up__${name}` })).error?.message;
const read = async (name: string) =>
  (await session.request('resources/read', { uri: `note://${name}` })).error?.message;

test('prompts: title, description and hide', async () => {
  const { prompts } = (await session.result('prompts/list')) as { prompts: { name: string }[] };
  expect(prompts[0]).toEqual({ name: 'up__plain', title: 'New', description: 'new' });
  expect(prompts.map(({ name }) => name)).toEqual(['up__plain', 'up__slow', 'up__big', 'up__seldom']);
  expect(await get('secret')).toBe('Unknown prompt: up__secret');
});

test('prompts: timeout, maxResultSize and rate', async () => {
  expect(await get('plain')).toBeUndefined();
  expect(await get('slow')).toContain('within 300 ms (items.prompts.slow.timeout)');
  expect(await get('big')).toContain('larger than the 1024 bytes');
  expect(await get('seldom')).toBeUndefined();
  expect(await get('seldom')).toContain('items.prompts.seldom.rate');
});

test('resources: title and description, of templates as well', async () => {
  const { resources } = (await session.result('resources/list')) as { resources: object[] };
  expect(resources[0]).toMatchObject({ uri: 'note://plain', title: 'New', description: 'new' });
  expect(resources[1]).toMatchObject({ uri: 'note://slow', title: 'Old' });
  expect(await session.result('resources/templates/list')).toMatchObject({
    resourceTemplates: [{ uriTemplate: 'file:///{path}', title: 'New', description: 'new' }],
  });
});

test('resources: timeout and rate', async () => {
  expect(await read('plain')).toBeUndefined();
  expect(await read('slow')).toMatch(/within 300 ms \(items\.resources\..*timeout\)/);
  expect(await read('seldom')).toBeUndefined();
  expect(await read('seldom')).toMatch(/items\.resources\..*rate/);
});
