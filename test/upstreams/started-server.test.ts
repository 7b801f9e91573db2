import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { liveGroups } from '../../src/upstreams/groups.ts';
import { Launcher } from '../../src/upstreams/launcher.ts';
import { StartedServer } from '../../src/upstreams/started-server.ts';
import { WireFault } from '../../src/upstreams/wire.ts';
import { memoryLog } from './memory-log.ts';
import { children, expectGone, isAlive } from './processes.ts';
import { nodeProcess, startedSpec } from './specs.ts';

const URL_WITH_PORT = 'http://127.0.0.1:${port}/mcp';

const open: StartedServer[] = [];

function server(process: ReturnType<typeof nodeProcess>, timeouts = {}, url = URL_WITH_PORT) {
  const { log, lines } = memoryLog();
  const spec = startedSpec(process, url, { timeouts });
  const started = new StartedServer(new Launcher(spec, log));
  open.push(started);
  return {
    server: started,
    lines,
    pids: () => lines.flatMap((l) => (l.msg === 'process started' ? [Number(l.pid)] : [])),
  };
}

const raw = (mode = 'plain', env = {}): ReturnType<typeof nodeProcess> =>
  nodeProcess('raw-upstream', ['http', '${port}', mode], env);

/** A script that listens on the port in its environment and then does something. */
const listening = (then: string): ReturnType<typeof nodeProcess> => ({
  ...nodeProcess('raw-upstream'),
  args: ['-e', `require('node:http').createServer((q, r) => { ${then} }).listen(process.env.PORT, '127.0.0.1')`],
  env: { PORT: '${port}', LITERAL: '$${port}' },
});

/** A loopback port that is free now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((s) => s.close()));
});

describe('the port', () => {
  test('is put into arguments and address, and the server answers there', async () => {
    const { server: started } = server(raw());
    const url = await started.address();
    expect(url.pathname).toBe('/mcp');
    expect(Number(url.port)).toBeGreaterThan(0);
    const response = await fetch(url, { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' });
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  });

  test('is put into the environment; an escaped one stays text', async () => {
    const { server: started } = server(listening('r.end(process.env.PORT + " " + process.env.LITERAL)'));
    const url = await started.address();
    expect(await (await fetch(url)).text()).toBe(`${url.port} \${port}`);
  });

  test('of two servers differ', async () => {
    const [a, b] = await Promise.all([server(raw()).server.address(), server(raw()).server.address()]);
    expect(a.port).not.toBe(b.port);
  });
});

describe('the process', () => {
  test('is one for all that ask, at once and later', async () => {
    const { server: started, pids } = server(raw());
    const [a, b] = await Promise.all([started.address(), started.address()]);
    expect([(await started.address()).href, b.href]).toEqual([a.href, a.href]);
    expect(pids()).toHaveLength(1);
  });

  test('is started anew after it has ended', async () => {
    const { server: started, lines, pids } = server(listening('r.end(); process.exit(5)'));
    const first = await started.address();
    await fetch(first).catch(() => undefined);
    await expect.poll(() => lines.find((l) => l.msg === 'the process ended by itself')).toMatchObject({ code: 5 });
    await started.address();
    expect(new Set(pids()).size).toBe(2);
  });

  test('is started anew only when what it left behind is gone, so that a port of its own is free', async () => {
    // the leader ends at once, while what listens takes its time after SIGTERM
    const listen = `process.on('SIGTERM', () => setTimeout(() => process.exit(), 1_500));
      require('node:http').createServer((q, r) => r.end(String(process.pid))).listen(process.env.PORT, '127.0.0.1')`;
    const leader = `require('node:child_process').spawn(process.execPath, ['-e', process.env.LISTEN], { stdio: 'ignore' });
      process.stdin.resume(); process.once('SIGUSR2', () => process.exit(1));`;
    const port = await freePort();
    const launch = {
      ...nodeProcess('raw-upstream'),
      args: ['-e', leader],
      env: { PORT: String(port), LISTEN: listen },
    };
    const { server: started, lines, pids } = server(launch, { stop: 5_000 }, `http://127.0.0.1:${port}/`);
    const first = await (await fetch(await started.address())).text();
    process.kill(pids()[0]!, 'SIGUSR2');
    await expect.poll(() => lines.map(({ msg }) => msg)).toContain('the process ended by itself');
    expect(isAlive(Number(first))).toBe(true);
    const second = await (await fetch(await started.address())).text();
    expect(second).not.toBe(first);
    expect([isAlive(Number(first)), isAlive(Number(second))]).toEqual([false, true]);
  });

  test('ends when it is closed, and its end is no warning then', async () => {
    const { server: started, lines, pids } = server(raw());
    await started.address();
    const [pid] = pids();
    expect(children()).toContain(pid);
    await started.close();
    await expectGone(pid!);
    expect(lines.filter((l) => l.msg === 'the process ended by itself')).toEqual([]);
  });

  test('ends when it is closed while it starts', async () => {
    const { server: started, pids } = server(raw());
    const address = started.address();
    await Promise.all([started.close(), address.catch(() => undefined)]);
    for (const pid of pids()) await expectGone(pid);
    expect(pids()).toHaveLength(1);
  });

  test('has its output in the log, stdout too', async () => {
    const { server: started, lines } = server(raw());
    await started.address();
    await expect.poll(() => lines.map((l) => l.stderr)).toContainEqual(expect.stringMatching(/^listening \d+$/));
  });
});

describe('one that does not come up', () => {
  const code = (text: string) => ({ ...nodeProcess('raw-upstream'), args: ['-e', text] });

  test.each<[string, ReturnType<typeof nodeProcess>, string]>([
    ['ends at once', code('process.exit(4)'), 'the process exited with code 4'],
    [
      'cannot be started',
      { ...raw(), command: 'no-such-command' },
      'cannot start "no-such-command": no such command on PATH',
    ],
  ])('%s', async (_, process, message) => {
    const { server: started } = server(process);
    const address = started.address();
    await expect(address).rejects.toThrow(message);
    await expect(address).rejects.toBeInstanceOf(WireFault);
    await expect(address).rejects.toMatchObject({ unsent: true });
  });

  test('does not listen in time: it is stopped, and the knob is named', async () => {
    const { server: started, pids } = server(code('process.stdin.resume()'), { open: 200 });
    await expect(started.address()).rejects.toThrow(
      /^it did not listen on 127\.0\.0\.1:\d+ within 200 ms \(timeouts\.open\)$/,
    );
    await expectGone(pids()[0]!);
  });

  test('and is asked for again while it is being stopped is started anew after that, and only once', async () => {
    const silent = code(`process.on('SIGTERM', () => setTimeout(() => process.exit(), 300)); process.stdin.resume();
      process.stdin.on('end', () => {}); setInterval(() => {}, 1e6)`);
    const { server: started, pids } = server(silent, { open: 300, stop: 100 });
    const first = started.address();
    // it has got SIGTERM, and its end is on the way
    await expect(first).rejects.toThrow('did not listen');
    const again = await Promise.allSettled([started.address(), started.address()]);
    expect(again.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(pids()).toHaveLength(2);
    for (const pid of pids()) await expectGone(pid);
    expect(liveGroups()).toEqual([]);
  });

  test('because somebody else has its port is told so, and is not taken for the other', async () => {
    const other = createServer((request) => request.resume()).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { server: started, pids } = server(raw(), {}, `http://127.0.0.1:${port}/mcp`);
    await expect(started.address()).rejects.toThrow(`something else listens on 127.0.0.1:${port} already`);
    expect(pids()).toEqual([]);
    other.close();
  });

  test('after it was closed: nothing is started any more', async () => {
    const { server: started, pids } = server(raw());
    await started.close();
    const address = started.address();
    await expect(address).rejects.toThrow('it is being closed');
    await expect(address).rejects.toMatchObject({ unsent: true });
    expect(pids()).toEqual([]);
  });

  test('is tried again by the next one that asks', async () => {
    const { server: started } = server({ ...raw(), command: 'no-such-command' });
    await expect(started.address()).rejects.toThrow('no-such-command');
    await expect(started.address()).rejects.toThrow('no-such-command');
  });
});
