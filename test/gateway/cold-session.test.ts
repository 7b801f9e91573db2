/** From `initialize` to the first list a new session asks nothing of upstreams: what they have is known. */
import { expect, test, vi } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { itemsOf, Session } from './client.ts';
import { ModernClient } from './modern-client.ts';
import { startUpstream, textResult, tool } from './scripted-upstream.ts';

const namesOf = (...args: Parameters<typeof itemsOf>) => itemsOf(...args).map(({ name }) => name);

test.each(['session', 'user', 'shared'])('with sharing: %s', async (sharing) => {
  const scripted = await startUpstream({
    tools: [tool('one'), tool('two')],
    prompts: [{ name: 'ask' }],
    handlers: { 'tools/call': () => textResult('called') },
  });
  const gateway = await startGateway({ config: { upstreams: { up: { url: scripted.url, sharing } } } });
  try {
    const first = await Session.open(gateway.url);
    await vi.waitFor(async () => expect(namesOf(await first.result('tools/list'), 'tools')).toHaveLength(2));
    await scripted.waitFor('prompts/list');
    const known = scripted.received.length;
    const session = await Session.open(gateway.url);
    expect(namesOf(await session.result('tools/list'), 'tools')).toEqual(['up__one', 'up__two']);
    expect(namesOf(await session.result('prompts/list'), 'prompts')).toEqual(['up__ask']);
    const modern = await new ModernClient(gateway.url).ask('tools/list');
    expect(modern.status).toBe(200);
    expect(scripted.received.slice(known).map(({ method }) => method)).toEqual([]);
    // the first call is what the upstream hears of it
    expect(await session.callText('up__one')).toBe('called');
    expect(scripted.of('tools/call')).toHaveLength(1);
  } finally {
    await gateway.stop();
    await scripted.close();
  }
});
