/**
 * Benchmarks of what is held: ten thousand idle sessions with open streams, and thirty-two results of 10 MB at once. They are
 * about memory, and how late the event loop is, in place of CPU.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { countOf } from './ask-upstream.ts';
import { figures } from './figures.ts';
import { Inspector } from './inspector.ts';
import { forgetPeak, readUsage, residentKb } from './measure.ts';
import { type Issuer, productionConfig, startIssuer } from './production.ts';
import { openSession } from './session.ts';
import { startByteProxy, startPatchbay, startUpstream, type Target } from './targets.ts';
import { measureWindow } from './windows.ts';

const KIB = 1_024;
/** Sessions that are opened at once. */
const AT_ONCE = 50;
/** Until what was begun by the opening is over, such as timers. */
const REST_MS = 2_000;

const SMALL = { connections: 16, inFlight: 32, bytes: 200 };
const WARM = { ...SMALL, seconds: 2, warmup: 2 };

export const idleSessions = figures({
  name: 'idle-sessions',
  flags: { sessions: 10_000, rate: 500, seconds: 10 },
  quick: { sessions: 500, seconds: 2 },
  async measure({ sessions, rate, seconds }, cli) {
    await using upstream = await startUpstream();
    await using issuer = await startIssuer();
    const config = { ...productionConfig(issuer), sessions: { maxPerPrincipal: 2 * sessions } };
    await using target = await startPatchbay({ url: upstream.url }, { cli, config, inspect: true });
    const { origin, pathname } = new URL(target.url);
    await measureWindow(target, { ...WARM, token: issuer.token });
    using inspector = await Inspector.connect(target.inspector);
    const before = { heap: await inspector.heapUsed(), resident: residentKb(target.pid) };
    const asked = await countOf(upstream.url);
    const pool = new Pool(origin, {
      connections: sessions + AT_ONCE,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    try {
      const began = performance.now();
      const streams = new Streams();
      for (let left = sessions; left > 0; left -= AT_ONCE)
        await Promise.all(
          Array.from({ length: Math.min(AT_ONCE, left) }, () => openIdle(pool, pathname, issuer, streams)),
        );
      const openMs = (performance.now() - began) / sessions;
      await delay(REST_MS);
      const trips = (await countOf(upstream.url)) - asked;
      const heap = (await inspector.heapUsed()) - before.heap;
      const resident = residentKb(target.pid) - before.resident;
      await inspector.watchDelay();
      const window = await measureWindow(target, { ...SMALL, seconds, warmup: 2, rate, token: issuer.token });
      const late = await inspector.delayP99();
      streams.mustBeOpen();
      return [
        { name: 'heap of an idle session', unit: 'KiB', value: heap / sessions / KIB, limit: 15 },
        { name: 'resident memory of one, sockets included', unit: 'KiB', value: resident / sessions },
        { name: 'requests to the upstream while they were opened', unit: '', value: trips, limit: 0 },
        { name: 'time to open one, with its list and its stream', unit: 'ms', value: openMs },
        { name: `event-loop delay p99 at ${rate} calls/s`, unit: 'ms', value: late, limit: 20 },
        { name: 'latency p99 of these calls', unit: 'ms', value: window.p99Us / 1_000 },
      ];
    } finally {
      await pool.destroy();
    }
  },
});

const BYTE_PROXY_TOO = 'the same of the byte proxy, which holds them whole';

export const largeAtOnce = figures({
  name: 'large-at-once',
  flags: { results: 32, bytes: 10_000_000, seconds: 10 },
  quick: { results: 8, seconds: 2 },
  async measure({ results, bytes, seconds }, cli) {
    await using upstream = await startUpstream();
    await using issuer = await startIssuer();
    const { token } = issuer;
    const load = { seconds, warmup: 0, connections: results, inFlight: results, bytes, token };
    const growthOf = async (target: Target) => {
      await measureWindow(target, { ...WARM, token });
      const before = residentKb(target.pid);
      forgetPeak(target.pid);
      const { calls } = await measureWindow(target, load);
      return { mib: (readUsage(target.pid).peakRssKb - before) / KIB, calls };
    };
    await using patchbay = await startPatchbay({ url: upstream.url }, { cli, config: productionConfig(issuer) });
    const own = await growthOf(patchbay);
    await using proxy = await startByteProxy(upstream.url);
    const others = await growthOf(proxy);
    return [
      { name: 'peak memory beyond what it had', unit: 'MiB', value: own.mib, limit: 64 },
      { name: 'results in that time', unit: '', value: own.calls },
      { name: BYTE_PROXY_TOO, unit: 'MiB', value: others.mib },
    ];
  },
});

/** Open streams, and those that have ended although they should not. */
class Streams {
  #ended = 0;

  add(body: NodeJS.ReadableStream): void {
    const end = (): void => {
      this.#ended += 1;
    };
    body.once('end', end).once('error', end).resume();
  }

  /** @throws {Error} when some have ended */
  mustBeOpen(): void {
    if (this.#ended > 0) throw new Error(`${this.#ended} streams have ended although their clients are there`);
  }
}

/** A session as a host leaves it: with its list, and its stream open. */
async function openIdle(pool: Pool, path: string, { token }: Issuer, streams: Streams): Promise<void> {
  const { headers } = await openSession(pool, path, { suffix: 'echo', era: 'legacy', token });
  const accept = headers.with(headers.indexOf('accept') + 1, 'text/event-stream');
  const stream = await pool.request({ method: 'GET', path, headers: accept });
  if (stream.statusCode !== 200) throw new Error(`a stream was refused with status ${stream.statusCode}`);
  streams.add(stream.body);
}
