/** Workers that end, by themselves or with the process that started them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectNoneMarked, marked } from '../e2e/processes.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import type { HttpStream } from '../multiplexer/http-stream.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { type Lab, startLab } from './lab.ts';

const LONG = 60_000;
const INHERIT = ['PATH', 'HOME', 'TMPDIR'];

let mark: string;
let lab: Lab | undefined;

beforeEach(() => {
  mark = mkdtempSync(join(tmpdir(), 'patchbay-workers-'));
});

afterEach(async () => {
  await lab?.close().catch(() => undefined);
  lab = undefined;
  rmSync(mark, { recursive: true, force: true });
});

const gated = (env = {}) => ({
  upstreams: { peer: { ...stdioPeer('note', { JOURNAL: join(mark, 'journal'), ...env }) } },
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What comes over a connection of its own until it ends, or breaks. */
function askOnce(port: number): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.once('error', () => undefined);
    socket.once('close', () => done(text));
    socket.write(`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  });
}

/** A session in each worker. */
async function sessions(url: string): Promise<ReadonlyMap<number, RawClient>> {
  const found = new Map<number, RawClient>();
  while (found.size < 2) {
    const client = await RawClient.open(url);
    found.set(Number(/^w(\d)\./.exec(client.session)![1]), client);
    // workers take turns, and two connections a session would lead to the same one for ever
    await client.request('ping');
  }
  return found;
}

describe('a worker that is killed', () => {
  test('takes its own sessions with it and nothing else, and comes back', { timeout: LONG }, async () => {
    lab = await startLab(gated());
    const { gateway, url } = lab;
    const of = await sessions(url);
    const steps = [{ progress: 1 }, { gate: 'open' }];
    const calls = await Promise.all(
      [1, 2].map(async (worker) => {
        const call = await of.get(worker)!.call('peer__play', { tag: `${worker}`, steps }, { id: 7, progressToken: 7 });
        await call.method('notifications/progress');
        return call;
      }),
    );
    const modern = new ModernClient(url);
    const listening = await modern.send('tools/list');
    expect(listening.status).toBe(200);
    process.kill((await lab.workers()).get(2)!, 'SIGKILL');
    await gateway.waitForLog(({ msg }) => /^worker ended/.test(String(msg)));
    // its client is told by the end of the connection, and then by 404
    await calls[1]!.ended().catch(() => undefined);
    expect(calls[1]!.messages.filter(({ id }) => id === 7)).toEqual([]);
    const again = await of.get(2)!.post({ jsonrpc: '2.0', id: 8, method: 'ping' });
    await again.ended();
    expect(again.status).toBe(404);
    // all others go on
    await of.get(1)!.tool('peer__open_gate', { gate: 'open' });
    const [first] = calls as [HttpStream, HttpStream];
    // its connection may have come in at the other worker; the stream is where it was, and goes on
    const answered = await first
      .response(7)
      .catch(async () => (await of.get(1)!.listen(first.lastEventId)).response(7));
    expect(answered.result).toMatchObject({ structuredContent: { tag: '1' } });
    for (let i = 0; i < 4; i++) await modern.call('peer__play', { tag: 'm', steps: [] });
    await gateway.waitForLog(({ msg, worker }) => msg === 'worker is back' && worker === 2);
    expect((await sessions(url)).size).toBe(2);
    expect(await lab.figure('patchbay_workers')).toBe(2);
    expect((await lab.close()).code).toBe(0);
    lab = undefined;
  });

  test('leaves no connection open that was on its way to it', { timeout: LONG }, async () => {
    lab = await startLab(gated());
    const { gateway } = lab;
    const port = Number(new URL(gateway.url).port);
    for (let round = 0; round < 4; round++) {
      const victim = (await lab.workers()).get(1)!;
      const before = gateway.logs.filter(({ msg }) => msg === 'worker is back').length;
      const over = Array.from({ length: 100 }, () => askOnce(port));
      // somewhere in the middle of them
      if (round > 0) await over[10 * round];
      process.kill(victim, 'SIGKILL');
      const answers = await Promise.all(over);
      // those of the worker that lives, at the least
      expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200')).length).toBeGreaterThanOrEqual(40);
      await poll(() => gateway.logs.filter(({ msg }) => msg === 'worker is back').length).toBeGreaterThan(before);
    }
  });

  test('comes back with the config that runs, whatever is in the file by then', { timeout: LONG }, async () => {
    lab = await startLab(gated());
    const { gateway, url } = lab;
    const before = await readFile(gateway.configPath, 'utf8');
    await writeFile(gateway.configPath, `${before}\nnames: { prefix: never }\n`);
    await gateway.waitForLog(({ msg }) => msg === 'config applied');
    const modern = new ModernClient(url);
    const names = async (): Promise<string[]> =>
      ((await modern.result('tools/list')).tools as { name: string }[]).map(({ name }) => name);
    // both have taken it over
    for (let i = 0; i < 4; i++) await poll(async () => (await names()).includes('play')).toBe(true);
    await writeFile(gateway.configPath, `${before}\nnames: { prefix: sometimes }\n`);
    await gateway.waitForLog(({ msg }) => /^config not applied/.test(String(msg)));
    process.kill((await lab.workers()).get(1)!, 'SIGKILL');
    await gateway.waitForLog(({ msg, worker }) => msg === 'worker is back' && worker === 1);
    for (let i = 0; i < 6; i++) await poll(async () => (await names()).includes('play')).toBe(true);
  });
});

describe('the process that started them', () => {
  test('SIGTERM: what is in progress in each worker may finish, nothing new begins, and nothing is left', {
    timeout: LONG,
  }, async () => {
    lab = await startLab({ ...gated(), server: { drainTimeout: '20s' } });
    const { gateway, url } = lab;
    const folder = join(gateway.configPath, '..', 'state');
    expect(readdirSync(folder).filter((name) => name.startsWith('workers-'))).toHaveLength(1);
    const of = await sessions(url);
    const calls = await Promise.all(
      [1, 2].map(async (worker) => {
        const steps = [{ progress: 1 }, { gate: 'drain' }];
        const call = await of.get(worker)!.call('peer__play', { tag: `${worker}`, steps }, { id: 7, progressToken: 7 });
        await call.method('notifications/progress');
        return call;
      }),
    );
    const stopped = gateway.stop();
    await gateway.waitForLog(({ msg }) => msg === 'stopping');
    for (const worker of [1, 2])
      await poll(async () => {
        const refused = await of.get(worker)!.post({ jsonrpc: '2.0', id: 9, method: 'ping' });
        await refused.ended();
        return refused.status;
      }).toBe(503);
    await writeFile(join(mark, 'journal.gate.drain'), '');
    for (const [i, call] of calls.entries())
      expect((await call.response(7)).result).toMatchObject({ structuredContent: { tag: `${i + 1}` } });
    expect((await stopped).code).toBe(0);
    expect(gateway.logs.filter(({ msg }) => msg === 'stopped')).toHaveLength(1);
  });

  test('SIGKILL: workers end, and so does all that they have started', { timeout: LONG }, async () => {
    const env = { TMPDIR: mark };
    const peer = { ...stdioPeer(), inheritEnv: INHERIT };
    const gateway = await startGateway({ config: { server: { port: 0, workers: 2 }, upstreams: { peer } }, env });
    for (const client of (await sessions(gateway.url)).values()) await client.tool('peer__plays');
    expect((await marked(mark)).size).toBeGreaterThan(4);
    await gateway.stop('SIGKILL');
    await expectNoneMarked(mark);
    expect(readdirSync(mark).filter((name) => name.startsWith('workers-'))).toEqual([]);
  });

  test('SIGINT at all of them at once, as a terminal sends it, is one orderly stop', { timeout: LONG }, async () => {
    lab = await startLab();
    for (const pid of [...(await lab.workers()).values(), lab.gateway.pid]) process.kill(pid, 'SIGINT');
    await poll(() => isAlive(lab!.gateway.pid)).toBe(false);
    expect((await lab.close()).code).toBe(0);
    expect(lab.gateway.logs.filter(({ msg }) => /worker ended/.test(String(msg)))).toEqual([]);
    lab = undefined;
  });

  test('a port that is in use is told once, and no worker stays', { timeout: LONG }, async () => {
    lab = await startLab();
    const port = Number(new URL(lab.gateway.url).port);
    const second = startGateway({ config: { server: { port, workers: 2 }, upstreams: {} }, env: { TMPDIR: mark } });
    await expect(second).rejects.toThrow('in use already');
    await expectNoneMarked(mark);
  });
});
