/** Many sessions, each with processes of its own: none of these is left when they are over (Linux: /proc). */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { marked } from '../e2e/processes.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from '../gateway/client.ts';
import { poll } from '../multiplexer/until.ts';

const SESSIONS = 1_000;
const UPSTREAMS = ['one', 'two'];
/** Sessions at once that use the same upstream. */
const SIDE_BY_SIDE = 20;
const LIMIT = SIDE_BY_SIDE;
const WAVE = SIDE_BY_SIDE * UPSTREAMS.length;
const WAIT_MS = 60_000;

let mark: string;
let gateway: Gateway;
/** The process ids that answers told of, two for each link. */
const told = new Set<number>();

beforeAll(async () => {
  mark = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  const tiny = {
    command: 'sh',
    args: [fileURLToPath(new URL('../fixtures/tiny-upstream.sh', import.meta.url))],
    maxLinks: LIMIT,
    timeouts: { open: '60s' },
  };
  gateway = await startGateway({
    config: { upstreams: Object.fromEntries(UPSTREAMS.map((name) => [name, tiny])) },
    env: { TMPDIR: mark },
  });
});

afterAll(async () => {
  await gateway?.stop();
  await rm(mark, { recursive: true, force: true });
});

/** Opens a session and uses an upstream. */
async function use(upstream: string): Promise<Session> {
  const session = await Session.open(gateway.url);
  const pids = (await session.callText(`${upstream}__pid`)).split(' ').map(Number);
  for (const pid of pids) told.add(pid);
  return session;
}

const useMany = (upstreams: readonly string[]) =>
  Promise.all(upstreams.flatMap((upstream) => Array.from({ length: SIDE_BY_SIDE }, () => use(upstream))));
const endAll = (sessions: readonly Session[]) => Promise.all(sessions.map((session) => session.end()));

/** Children of the gateway that are dead and that it has not taken notice of. */
async function zombies(): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // the second field is a name in parentheses, which may hold anything
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' && Number(parent) === gateway.pid ? [pid] : [];
    }),
  );
  return found.flat();
}

/** Whatever descends from the gateway and lives, wherever it hangs in the process tree, without the gateway. */
const living = async () => [...(await marked(mark)).keys()].filter((pid) => pid !== gateway.pid).sort();

test(
  `${SESSIONS} sessions leave neither zombies nor orphans`,
  async () => {
    await endAll(await Promise.all(UPSTREAMS.map(use)));
    await poll(async () => (await living()).length, WAIT_MS).toBe(2 * UPSTREAMS.length);
    const start = await living();
    told.clear();

    for (let opened = 0; opened < SESSIONS; opened += WAVE) {
      const sessions = await useMany(UPSTREAMS);
      if (opened === 0) expect(await living()).toHaveLength(start.length + 2 * WAVE);
      await endAll(sessions);
    }
    await poll(living, WAIT_MS).toEqual(start);
    await poll(zombies, WAIT_MS).toEqual([]);
    // an id may have been given twice
    expect(told.size).toBeGreaterThan(2 * SESSIONS * 0.9);
  },
  5 * WAIT_MS,
);

test(
  'a session too many is told of the limit, the others go on, and it has its turn when one has ended',
  async () => {
    const sessions = await useMany(['one']);
    const late = await Session.open(gateway.url);
    const refused = await late.request('tools/call', { name: 'one__pid', arguments: {} });
    const message = `All ${LIMIT} links to upstream one that maxLinks allows are in use`;
    expect(refused.error).toMatchObject({ code: -32000, message: expect.stringContaining(message) });
    expect(await sessions[0]!.callText('one__pid')).toMatch(/^\d+ \d+$/);
    await sessions[0]!.end();
    expect(await late.callText('one__pid')).toMatch(/^\d+ \d+$/);
    await endAll([late, ...sessions.slice(1)]);
  },
  2 * WAIT_MS,
);

test(
  'nothing is left after the gateway',
  async () => {
    expect(await gateway.stop()).toEqual({ code: 0 });
    await poll(living, WAIT_MS).toEqual([]);
  },
  2 * WAIT_MS,
);
