/** The compose file: what its containers are given fits together, and works when it is started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, describe, expect, test } from 'vitest';
import { freePort } from '../docs/free-port.ts';
import { createKey } from '../fixtures/api-key.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { runTool, testWith } from '../tools.ts';
import { checkConfig } from './checks.ts';
import { at, load, ROOT, read, readDocument, secretsIn } from './files.ts';

describe('docker/compose.yaml', () => {
  const compose = readDocument('docker/compose.yaml');
  const services = at<Record<string, object>>(compose, 'services');

  test('has Patchbay and two upstreams, all of them restricted, and publishes on this machine alone', () => {
    expect(Object.keys(services)).toEqual(['patchbay', 'everything', 'notes']);
    for (const [name, service] of Object.entries(services)) {
      const merged = { ...at<object>(compose, 'x-restricted'), ...service };
      expect(merged, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], tmpfs: ['/tmp'] });
    }
    expect(at(services, 'patchbay.ports')).toEqual(['127.0.0.1:8080:8080']);
    expect(at(compose, 'networks.upstreams')).toEqual({ internal: true });
  });

  test('mounts configs that are valid, and the state where the image keeps it', () => {
    checkConfig(read('docker/compose/patchbay.yaml'));
    expect(load(read('docker/compose/notes.yaml'))).toMatchObject({ ok: true });
    for (const [name, volume] of [
      ['patchbay', 'state'],
      ['notes', 'notes'],
    ] as const) {
      expect(at(services, `${name}.volumes`)).toEqual(['./compose:/etc/patchbay:ro', `${volume}:/app/.patchbay`]);
      const config = at<string[]>(services, `${name}.command`).at(-1)!;
      expect(existsSync(join(ROOT, 'docker/compose', config.replace('/etc/patchbay/', ''))), config).toBe(true);
    }
    expect(at(services, 'patchbay.secrets')).toEqual(secretsIn(read('docker/compose/patchbay.yaml')));
  });

  test('calls upstreams by the names and ports of their containers', () => {
    const loaded = load(read('docker/compose/patchbay.yaml'));
    const notes = load(read('docker/compose/notes.yaml'));
    if (!loaded.ok || !notes.ok) throw new Error('the configs do not load');
    const url = (name: string): URL => new URL((loaded.config.upstreams[name] as { url: string }).url);
    expect(url('everything').host).toBe(`everything:${at<string>(services, 'everything.environment.PORT')}`);
    expect(url('notes').host).toBe(`notes:${notes.config.server.port}`);
    expect(notes.config.server.allowedHosts).toContain('notes');
  });

  testWith(['docker-compose'], 'is accepted by docker-compose', () => {
    // Debian's is version 1, which knows all of the file but the name of the project
    const input = read('docker/compose.yaml').replace(/^name: .*$/m, '');
    const ran = runTool('docker-compose', ['-f', '-', 'config', '--quiet'], { cwd: join(ROOT, 'docker'), input });
    expect(ran).toMatchObject({ code: 0 });
  });
});

describe('its containers, as processes of this machine', () => {
  const PATH = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`;
  const services = at(readDocument('docker/compose.yaml'), 'services');
  const running: Gateway[] = [];
  let server: ChildProcess | undefined;
  afterAll(async () => {
    for (const gateway of running) await gateway.stop();
    server?.kill();
    if (server?.exitCode === null) await once(server, 'close');
  });

  /** Its config, where the names of containers are ports of this machine, and what is kept goes with it. */
  const start = async (file: string, places: Readonly<Record<string, string>>): Promise<Gateway> => {
    let config = read(`docker/compose/${file}`);
    for (const [from, to] of Object.entries(places)) {
      expect(config).toContain(from);
      config = config.replace(from, to);
    }
    const env = { PATH, PORT: '0', PATCHBAY_HOST: '127.0.0.1' };
    const gateway = await startGateway({ config, env });
    running.push(gateway);
    return gateway;
  };

  test('are one server to a client: calls reach both upstreams', async () => {
    const port = await freePort();
    const [, , program] = at<string[]>(services, 'everything.entrypoint');
    server = spawn(program!, at<string[]>(services, 'everything.command'), {
      env: { ...process.env, PATH, PORT: String(port) },
      stdio: 'ignore',
    });
    const notes = await start('notes.yaml', { 'env: { MEMORY_FILE_PATH: /app/.patchbay/memory.jsonl }': '' });
    const front = await start('patchbay.yaml', {
      'publicUrl: http://127.0.0.1:8080': '',
      '${secret:storage-key}': 'a text of thirty-two characters or more',
      'http://everything:3001/mcp': `http://127.0.0.1:${port}/mcp`,
      'http://notes:8080/mcp': notes.url,
    });
    expect(await statusFor(notes.url, 'notes:8080')).not.toBe(403);
    expect(await statusFor(notes.url, 'elsewhere:8080')).toBe(403);

    const headers = { Authorization: `Bearer ${await createKey(front)}` };
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(front.url), { requestInit: { headers } }));
    const called = await client.callTool({ name: 'everything__echo', arguments: { message: 'hello' } });
    expect(JSON.stringify(called.content)).toContain('hello');
    const read = await client.callTool({ name: 'notes__read_graph', arguments: {} });
    expect(read.structuredContent).toMatchObject({ entities: expect.anything() });
    await client.close();
  }, 60_000);
});

/** The status of an answer to a request for another host than the one that is connected to. */
async function statusFor(url: string, host: string): Promise<number | undefined> {
  const sent = request(url, { headers: { host } }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}
