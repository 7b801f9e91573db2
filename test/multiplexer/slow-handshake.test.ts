/** Sessions that begin while upstreams are slow. */
import { expect, test } from 'vitest';
import { startUpstream } from '../gateway/scripted-upstream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, withGateway } from './setup.ts';

test('sessions.idleTimeout: a session does not count as unused while its own handshake waits for upstreams', async () => {
  const mute = await startUpstream({ handlers: { initialize: () => undefined } });
  const config = { ...QUICK, lists: { firstWait: '2500ms' }, sessions: { idleTimeout: '1s' } };
  await withGateway({ ...config, upstreams: { mute: { url: mute.url } } }, async ({ url }) => {
    const client = await RawClient.open(url);
    expect((await client.request('ping')).result).toEqual({});
  });
  await mute.close();
});
