/** What docs/how-to/behind-a-proxy.md says of nginx and Caddy, with the real ones in front of a real gateway. */
import { execFileSync, spawn } from 'node:child_process';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { findTool, runTool, type ToolName, testWith } from '../tools.ts';
import { freePort } from './free-port.ts';
import { Lab } from './lab.ts';
import { blocksOf } from './pages.ts';

const PAGE = 'docs/how-to/behind-a-proxy.md';
const HOST = 'mcp.example.com';
/** What comes from here is not from the proxy itself. */
const CLIENT = '127.0.0.2';

const blocks = blocksOf(PAGE);
const block = (language: string): string => blocks.find((one) => one.language === language)!.text;

interface Proxy {
  readonly tool: ToolName;
  /** What it is given: the block of the page, with the ports and the certificate of the test. */
  config(places: { port: number; gateway: number; folder: string }): string;
  readonly check: (file: string, folder: string) => string[];
  readonly run: (file: string, folder: string) => string[];
}

/** Replaces a text that has to be there. */
const swap = (text: string, from: string, to: string): string => {
  if (!text.includes(from)) throw new Error(`${PAGE} has no ${JSON.stringify(from)} any more`);
  return text.replace(from, to);
};

const nginx: Proxy = {
  tool: 'nginx',
  config: ({ port, gateway, folder }) => {
    let server = swap(block('nginx'), 'listen 443 ssl', `listen 127.0.0.1:${port} ssl`);
    server = swap(server, '/etc/ssl/mcp.example.com.pem', join(folder, 'cert.pem'));
    server = swap(server, '/etc/ssl/mcp.example.com.key', join(folder, 'key.pem'));
    server = swap(server, '127.0.0.1:8080', `127.0.0.1:${gateway}`);
    const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    return `pid ${folder}/pid;\ndaemon off;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${scratch.join('\n')}\n${server}}\n`;
  },
  check: (file, folder) => ['-t', '-q', '-p', folder, '-e', 'stderr', '-c', file],
  run: (file, folder) => ['-p', folder, '-e', 'stderr', '-c', file],
};

const caddy: Proxy = {
  tool: 'caddy',
  config: ({ port, gateway, folder }) => {
    const own = `tls ${folder}/cert.pem ${folder}/key.pem\n  bind 127.0.0.1`;
    const site = swap(block('caddyfile'), `${HOST} {`, `${HOST}:${port} {\n  ${own}`);
    const global = `{\n  admin off\n  auto_https disable_redirects\n  storage file_system ${folder}/storage\n}\n`;
    return global + swap(site, '127.0.0.1:8080', `127.0.0.1:${gateway}`);
  },
  check: (file) => ['validate', '--adapter', 'caddyfile', '--config', file],
  run: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
};

describe.each([nginx, caddy])('$tool', (proxy) => {
  let lab: Lab;
  let folder: string;
  let port: number;
  let file: string;
  let key: string;
  let agent: Agent;
  let ended: Promise<unknown> | undefined;
  let stop: (() => void) | undefined;

  beforeAll(async () => {
    if (findTool(proxy.tool) === undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'patchbay-proxy-'));
    port = await freePort();
    execFileSync('openssl', certificate(folder), { stdio: 'ignore' });
    lab = await Lab.open();
    lab.write('my.yaml', block('yaml'));
    const started = await lab.run('npm start -- --config my.yaml && npx patchbay key create test --config my.yaml');
    expect(started, started.output).toMatchObject({ code: 0 });
    key = /^pbk_\S+$/m.exec(started.output)![0];
    file = join(folder, 'proxy.conf');
    writeFileSync(file, proxy.config({ port, gateway: lab.port, folder }));
    const ca = readFileSync(join(folder, 'cert.pem'));
    // the name of the page leads to the proxy, from an address that is not the proxy's own
    agent = new Agent({
      localAddress: CLIENT,
      connect: {
        ca,
        lookup: (_host, options, done) => lookup('127.0.0.1', options, done),
      },
    });
  }, 60_000);

  afterAll(async () => {
    stop?.();
    await ended;
    await agent?.close();
    await lab?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  testWith([proxy.tool], 'takes the file', () => {
    expect(runTool(proxy.tool, proxy.check(file, folder))).toMatchObject({ code: 0 });
    mkdirSync(join(folder, 'again'));
    const wrong = join(folder, 'again', 'proxy.conf');
    writeFileSync(wrong, readFileSync(file, 'utf8').replace(/proxy_pass|reverse_proxy/, 'proxy_past'));
    expect(runTool(proxy.tool, proxy.check(wrong, folder)).code).not.toBe(0);
  });

  testWith([proxy.tool], 'passes on what an upstream asks in the middle of a call', async () => {
    const child = spawn(findTool(proxy.tool)!, proxy.run(file, folder), {
      stdio: 'ignore',
      env: { ...process.env, HOME: folder },
    });
    ended = once(child, 'close');
    stop = () => child.kill('SIGTERM');
    await accepts();

    // were the stream held back, the question would never come, and the call never end
    const client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } });
    let asked = 0;
    client.setRequestHandler(ElicitRequestSchema, async () => {
      asked += 1;
      return { action: 'decline' as const };
    });
    const transport = new StreamableHTTPClientTransport(new URL(`https://${HOST}:${port}/mcp`), {
      fetch: through as unknown as typeof globalThis.fetch,
      requestInit: { headers: { Authorization: `Bearer ${key}` } },
    });
    await client.connect(transport);
    const result = await client.callTool({ name: 'everything__trigger-elicitation-request', arguments: {} });
    expect(asked).toBe(1);
    expect(JSON.stringify(result.content)).toMatch(/declin/i);
    await transport.terminateSession();
    await client.close();
  });

  testWith([proxy.tool], 'leads all paths to Patchbay, which tells clients its public URL', async () => {
    const refused = await through(`https://${HOST}:${port}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(refused.status).toBe(401);
    const metadata = `https://${HOST}/.well-known/oauth-protected-resource/mcp`;
    expect(refused.headers.get('www-authenticate')).toContain(`resource_metadata="${metadata}"`);
    const document = await through(metadata.replace(HOST, `${HOST}:${port}`));
    expect(await document.json()).toMatchObject({ resource: `https://${HOST}/mcp` });
  });

  testWith([proxy.tool], 'says where requests come from, and clients cannot claim another address', async () => {
    const refused = await through(`https://${HOST}:${port}/mcp`, {
      headers: { authorization: 'Bearer no-token', 'x-forwarded-for': '203.0.113.9' },
    });
    expect(refused.status).toBe(401);
    const refusals = () => lab.log.split('\n').filter((line) => line.includes('"audit":"refused"'));
    await expect.poll(() => refusals().length, { timeout: 10_000 }).toBe(1);
    expect(refusals().map((line) => (JSON.parse(line) as { address: string }).address)).toEqual([CLIENT]);
  });

  const through: typeof fetch = (url, init) => fetch(url, { ...init, dispatcher: agent });

  /** Waits until the proxy passes requests on. */
  async function accepts(): Promise<void> {
    const until = Date.now() + 20_000;
    for (;;) {
      const answer = await through(`https://${HOST}:${port}/readyz`).catch((error: unknown) => error);
      if ((answer as { status?: number }).status === 200) return;
      if (Date.now() > until) throw new Error('the proxy does not answer', { cause: answer });
      await new Promise((done) => setTimeout(done, 50));
    }
  }
});

/** A certificate of the page's name that is good for a day. */
const certificate = (folder: string): string[] => [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
  ...['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`],
  ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
];
