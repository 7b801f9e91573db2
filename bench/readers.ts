/** What the others notice of clients that ask for much and then do not read it, and what of that is held for them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { callBody } from './call.ts';
import { figures } from './figures.ts';
import { forgetPeak, readUsage, residentKb } from './measure.ts';
import { productionConfig, startIssuer } from './production.ts';
import { median } from './report.ts';
import { openSession } from './session.ts';
import { startPatchbay, startUpstream } from './targets.ts';
import { measureWindow } from './windows.ts';

const KIB = 1_024;
const RATE = 500;
/** Sessions and links. */
const MANY = 5_000;
/** Until as much has come as there is place for. */
const REST_MS = 1_000;

export const slowReaders = figures({
  name: 'slow-readers',
  flags: { readers: 32, bytes: 10_000_000, rounds: 5, seconds: 3 },
  quick: { readers: 8, rounds: 1, seconds: 1 },
  async measure({ readers, bytes, rounds, seconds }, cli) {
    await using upstream = await startUpstream();
    await using issuer = await startIssuer();
    const { token } = issuer;
    // those of a round stay open, since who does not read does not take leave either
    const limits = { maxLinks: MANY, maxLinksPerPrincipal: MANY };
    const config = { ...productionConfig(issuer), sessions: { maxPerPrincipal: MANY } };
    await using target = await startPatchbay({ url: upstream.url, ...limits }, { cli, config });
    const { origin, pathname } = new URL(target.url);
    const small = { connections: 16, inFlight: 16, bytes: 200, token };
    await measureWindow(target, { ...small, seconds: 3, warmup: 1 });
    const p99 = async () => (await measureWindow(target, { ...small, seconds, warmup: 0.5, rate: RATE })).p99Us / 1_000;
    const [alone, beside, held]: number[][] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      alone!.push(await p99());
      const before = residentKb(target.pid);
      forgetPeak(target.pid);
      const pool = new Pool(origin, { connections: readers, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
      try {
        await Promise.all(
          Array.from({ length: readers }, (_, i) => askAndLeave(pool, pathname, { token, bytes, id: i })),
        );
        await delay(REST_MS);
        beside!.push(await p99());
        held!.push((readUsage(target.pid).peakRssKb - before) / KIB);
      } finally {
        await pool.destroy();
      }
    }
    return [
      { name: `latency p99 of small calls at ${RATE}/s`, unit: 'ms', value: median(alone!) },
      { name: `the same beside ${readers} clients that do not read`, unit: 'ms', value: median(beside!) },
      { name: 'peak memory for these clients', unit: 'MiB', value: median(held!), limit: 64 },
    ];
  },
});

/** Asks for a large result, and reads nothing of it but the head. */
async function askAndLeave(
  pool: Pool,
  path: string,
  { token, bytes, id }: { token: string; bytes: number; id: number },
): Promise<void> {
  const session = await openSession(pool, path, { suffix: 'echo', era: 'legacy', token });
  const body = callBody({ session, id, text: 'x', work: { bytes, ballast: 0, count: 0, ms: 0 } });
  const answer = await pool.request({ method: 'POST', path, headers: session.headers, body });
  answer.body.on('error', () => undefined);
  if (answer.statusCode !== 200) throw new Error(`a large result was refused with status ${answer.statusCode}`);
}
