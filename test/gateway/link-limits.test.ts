/** `maxLinks` and `maxLinksPerPrincipal` take effect, and say so to who meets them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';

let gateway: Gateway;

beforeAll(async () => {
  const upstream = stdioUpstream('raw-upstream', ['plain']);
  const upstreams = {
    inAll: { ...upstream, maxLinks: 2 },
    forEach: { ...upstream, maxLinksPerPrincipal: 2 },
    single: { ...upstream, maxLinks: 1 },
    shared: { ...upstream, maxLinks: 1, sharing: 'shared' },
  };
  gateway = await startGateway({ config: { upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
});

const open = (count: number) => Promise.all(Array.from({ length: count }, () => Session.open(gateway.url)));
const call = (session: Session, upstream: string) => session.request('tools/call', { name: `${upstream}__raw` });

test.each([
  ['inAll', 'maxLinks', 2],
  ['forEach', 'maxLinksPerPrincipal', 2],
  ['single', 'maxLinks', 1],
])(
  '%s: %s lets %i sessions have a link, tells the next one, and gives it the place of one that ends',
  async (upstream, knob, limit) => {
    const sessions = await open(limit);
    for (const session of sessions) expect((await call(session, upstream)).result).toBeDefined();
    const [late] = await open(1);
    const text = `All ${limit} links to upstream ${upstream} that ${knob} allows are in use`;
    expect((await call(late!, upstream)).error).toMatchObject({ code: -32000, message: expect.stringContaining(text) });
    expect((await call(sessions[0]!, upstream)).result).toBeDefined();
    await sessions[0]!.end();
    expect((await call(late!, upstream)).result).toBeDefined();
    await Promise.all([late!, ...sessions.slice(1)].map((session) => session.end()));
  },
);

test('a shared upstream needs one link for any number of sessions', async () => {
  const sessions = await open(3);
  for (const session of sessions) expect((await call(session, 'shared')).result).toBeDefined();
  await Promise.all(sessions.map((session) => session.end()));
});
