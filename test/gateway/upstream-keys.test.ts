/** Keys of an upstream and of `names` whose effect is that something is listed, or is called otherwise. */
import { expect, test } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { startPeer } from '../multiplexer/setup.ts';
import { Session } from './client.ts';
import { startUpstream, textResult, tool } from './scripted-upstream.ts';

test('type and transport say what is spoken to an address', async () => {
  const peer = await startPeer('sse');
  const { url } = peer;
  const upstreams = {
    typed: { type: 'sse', url },
    told: { transport: 'sse', url },
    found: { url },
    wrong: { transport: 'streamable-http', url },
  };
  const gateway = await startGateway({ config: { lists: { firstWait: '30s' }, upstreams } });
  try {
    const names = await (await Session.open(gateway.url)).names();
    const listed = Object.keys(upstreams).filter((name) => names.some((one) => one.startsWith(`${name}__`)));
    expect(listed).toEqual(['typed', 'told', 'found']);
  } finally {
    await gateway.stop();
    await peer.stop();
  }
});

test('headers are sent with every request', async () => {
  const upstream = await startUpstream({ tools: [tool('one')], handlers: { 'tools/call': () => textResult('ok') } });
  const up = { url: upstream.url, headers: { 'X-Team': 'weavers' } };
  const gateway = await startGateway({ config: { upstreams: { up } } });
  try {
    expect(await (await Session.open(gateway.url)).callText('up__one')).toBe('ok');
    expect(new Set(upstream.received.map(({ headers }) => headers['x-team']))).toEqual(new Set(['weavers']));
  } finally {
    await gateway.stop();
    await upstream.close();
  }
});

test.each([
  ['always', ['a__one', 'a__same', 'b__same']],
  ['conflict', ['one', 'a__same', 'b__same']],
  ['never', ['one', 'same']],
])('names.prefix: %s', async (prefix, expected) => {
  const [a, b] = [
    await startUpstream({ tools: [tool('one'), tool('same')] }),
    await startUpstream({ tools: [tool('same')] }),
  ];
  const gateway = await startGateway({
    config: { upstreams: { a: { url: a.url }, b: { url: b.url } }, names: { prefix } },
  });
  try {
    expect(await (await Session.open(gateway.url)).names()).toEqual(expect.arrayContaining(expected));
  } finally {
    await gateway.stop();
    await Promise.all([a.close(), b.close()]);
  }
});

test('names.maxLength: longer names are shortened', async () => {
  const upstream = await startUpstream({ tools: [tool('a-tool-with-a-rather-long-name')] });
  const config = { upstreams: { up: { url: upstream.url } }, names: { maxLength: 20 } };
  const gateway = await startGateway({ config });
  try {
    const [name = ''] = await (await Session.open(gateway.url)).names();
    expect(name).toMatch(/^up__a-tool/);
    expect(name).toHaveLength(20);
  } finally {
    await gateway.stop();
    await upstream.close();
  }
});
