/** What `initialize` says of all upstreams together. */
import { describe, expect, test } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { type Script, type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';

const EXTENSIONS = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html'] }, 'example.com/own': { on: true } };

/** Runs a test as a client of a gateway in front of these upstreams. */
async function withUpstreams(scripts: Readonly<Record<string, Script>>, run: (session: Session) => Promise<void>) {
  const started: [string, ScriptedUpstream][] = [];
  for (const [name, script] of Object.entries(scripts)) started.push([name, await startUpstream(script)]);
  const upstreams = Object.fromEntries(started.map(([name, { url }]) => [name, { url }]));
  const gateway = await startGateway({ config: { upstreams } });
  try {
    await run(await Session.open(gateway.url));
  } finally {
    await gateway.stop();
    await Promise.all(started.map(([, upstream]) => upstream.close()));
  }
}

const offering: Script = { tools: [tool('t')], instructions: 'Call t first.' };
const reading: Script = {
  prompts: [],
  resources: [],
  capabilities: { completions: {}, experimental: { own: {} }, extensions: EXTENSIONS },
  instructions: 'Read before you write.',
};

describe('of several upstreams', () => {
  test('the capabilities of any of them, with listChanged', async () => {
    await withUpstreams({ offering, reading }, async ({ server }) => {
      const listChanged = { listChanged: true };
      expect(server.capabilities).toMatchObject({ tools: listChanged, prompts: listChanged, completions: {} });
      expect(server.capabilities).toMatchObject({ resources: listChanged });
      expect(server.serverInfo).toMatchObject({ name: 'patchbay', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    });
  });

  test('no experimental ones, and no extension that the gateway cannot route', async () => {
    await withUpstreams({ offering, reading }, async ({ server }) => {
      expect(server.capabilities).not.toHaveProperty('experimental');
      const { extensions } = server.capabilities as { extensions: object };
      expect(extensions).toEqual({ 'io.modelcontextprotocol/ui': EXTENSIONS['io.modelcontextprotocol/ui'] });
    });
  });

  test('instructions: one headed block of each, in the order of the config, with the rule of the names', async () => {
    const long = { tools: [tool('l')], instructions: 'x'.repeat(100_000) };
    await withUpstreams({ reading, silent: { tools: [] }, offering, long }, async ({ server }) => {
      const text = String(server.instructions);
      const parts = ['__', '## reading', 'Read before you write.', '## offering', 'Call t first.', '## long'];
      const places = parts.map((part) => text.indexOf(part));
      expect(places).not.toContain(-1);
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(text).not.toContain('## silent');
      expect(text.length).toBeLessThan(20_000);
    });
  });

  test('what none of them has is not declared', async () => {
    await withUpstreams({ offering, more: { tools: [] } }, async ({ server }) => {
      expect(Object.keys(server.capabilities as object)).toEqual(['tools']);
    });
  });

  test('what one of them has is declared and served: logging, subscriptions', async () => {
    const able: Script = {
      resources: [{ uri: 'memo://a', name: 'a' }],
      capabilities: { logging: {}, resources: { subscribe: true } },
      handlers: { 'logging/setLevel': () => ({}), 'resources/subscribe': () => ({}) },
    };
    await withUpstreams({ offering, able }, async (session) => {
      expect(session.server.capabilities).toMatchObject({ logging: {}, resources: { subscribe: true } });
      expect(await session.result('logging/setLevel', { level: 'info' })).toEqual({});
      expect(await session.result('resources/subscribe', { uri: 'memo://a' })).toEqual({});
    });
  });
});

describe('of a sole upstream', () => {
  test('its instructions, experimental capabilities and extensions as they are', async () => {
    await withUpstreams({ reading }, async ({ server }) => {
      expect(server.instructions).toBe('Read before you write.');
      expect(server.capabilities).toMatchObject({ experimental: { own: {} }, extensions: EXTENSIONS });
      expect(server.capabilities).not.toHaveProperty('tools');
    });
  });
});
