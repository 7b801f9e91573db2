/**
 * What a session costs until a host can work with it: `initialize`, `notifications/initialized` and the first `tools/list`,
 * while the upstream's catalog is known already, so that nothing of it reaches the upstream.
 */
import { Pool } from 'undici';
import { countOf } from './ask-upstream.ts';
import { figures } from './figures.ts';
import { cpuBetween, readUsage } from './measure.ts';
import { productionConfig, startIssuer } from './production.ts';
import { median } from './report.ts';
import { closeSession, openSession } from './session.ts';
import { startByteProxy, startPatchbay, startUpstream, type Target } from './targets.ts';

/** Sessions that are opened at once. */
const AT_ONCE = 8;

export const coldSession = figures({
  name: 'cold-session',
  flags: { sessions: 2_000 },
  quick: { sessions: 200 },
  async measure({ sessions }, cli) {
    await using upstream = await startUpstream();
    await using issuer = await startIssuer();
    const config = { ...productionConfig(issuer), sessions: { maxPerPrincipal: 2 * sessions } };
    await using patchbay = await startPatchbay({ url: upstream.url }, { cli, config });
    await using proxy = await startByteProxy(upstream.url);
    const run = (target: Target) => openMany({ target, upstream, sessions, token: issuer.token });
    const [own, other] = [await run(patchbay), await run(proxy)];
    return [
      { name: 'requests to the upstream for all of them', unit: '', value: own.trips, limit: 0 },
      { name: 'CPU for one', unit: 'µs', value: own.cpuUs },
      { name: 'the same of the byte proxy, which passes each request on', unit: 'µs', value: other.cpuUs },
      { name: 'time until the list is there, median', unit: 'ms', value: own.ms },
      { name: 'the same through the byte proxy', unit: 'ms', value: other.ms },
    ];
  },
});

interface Opened {
  readonly trips: number;
  readonly cpuUs: number;
  readonly ms: number;
}

/** Opens half of them first, so that what is hot is compiled and the catalog is known; closing them is not counted. */
async function openMany(asked: { target: Target; upstream: Target; sessions: number; token: string }): Promise<Opened> {
  const { target, upstream, sessions, token } = asked;
  const { origin, pathname } = new URL(target.url);
  const pool = new Pool(origin, { connections: AT_ONCE, pipelining: 1 });
  const times: number[] = [];
  const open = async () => {
    const began = performance.now();
    const session = await openSession(pool, pathname, { suffix: 'echo', era: 'legacy', token });
    times.push(performance.now() - began);
    return session;
  };
  const inTurn = async <T>(count: number, each: (i: number) => Promise<T>): Promise<T[]> => {
    const done: T[] = [];
    for (let i = 0; i < count; i += AT_ONCE) {
      const length = Math.min(AT_ONCE, count - i);
      done.push(...(await Promise.all(Array.from({ length }, (_, j) => each(i + j)))));
    }
    return done;
  };
  try {
    const warm = await inTurn(Math.ceil(sessions / 2), open);
    await inTurn(warm.length, (i) => closeSession(pool, pathname, warm[i]!));
    times.length = 0;
    const before = { usage: readUsage(target.pid), trips: await countOf(upstream.url) };
    const opened = await inTurn(sessions, open);
    const cpuUs = cpuBetween(before.usage, readUsage(target.pid)) / sessions;
    const trips = (await countOf(upstream.url)) - before.trips;
    await inTurn(opened.length, (i) => closeSession(pool, pathname, opened[i]!));
    return { trips, cpuUs, ms: median(times) };
  } finally {
    await pool.destroy();
  }
}
