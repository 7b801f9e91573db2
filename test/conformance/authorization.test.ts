/** The scenarios of the official conformance suite for authorization servers, against the one that is built in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import { Host, type ServerMetadata } from '../hosts/host.ts';
import { Visitor } from '../hosts/visitor.ts';
import { judge, readChecks } from './results.ts';
import { SUITE } from './suite-cli.ts';

/** The scenarios, and how many checks of each succeed. */
const SCENARIOS = { 'authorization-server-metadata-endpoint': 2, 'authorization-code-grant': 1 } as const;
const SUITE_MS = 90_000;

let gateway: SignInGateway;

beforeAll(async () => {
  gateway = await startSignInGateway();
}, SUITE_MS);

afterAll(() => gateway?.stop());

/** The client has no secret: the suite leaves it out wherever a server knows public clients, which one with a secret may not. */
test.each(['2025-11-25', '2026-07-28'])(
  'revision %s: every scenario passes',
  async (revision) => {
    const port = await freePort();
    const host = new Host(gateway);
    const { registration_endpoint } = await host.document<ServerMetadata>('/.well-known/oauth-authorization-server');
    const client = await host.register(registration_endpoint, {
      client_name: 'Conformance suite',
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      token_endpoint_auth_method: 'none',
    });
    const results = await runSuite([
      ...['--url', gateway.base, '--spec-version', revision, '--port', String(port)],
      ...['--resource', gateway.url, '--client-id', client.client_id],
    ]);
    const good = { passed: true, failures: [], warnings: [] };
    expect(results).toEqual(Object.entries(SCENARIOS).map(([name, succeeded]) => ({ ...good, name, succeeded })));
  },
  SUITE_MS,
);

/** Runs the suite's command, and does what it tells its user to: opens the URL that it prints, signs in and allows. */
async function runSuite(args: readonly string[]): Promise<readonly object[]> {
  const output = await mkdtemp(join(tmpdir(), 'patchbay-conformance-'));
  const command = [`${SUITE}/dist/index.js`, 'authorization', ...args, '--output-dir', output];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_MS);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const lines: string[] = [];
  try {
    child.stderr.on('data', (chunk) => lines.push(String(chunk)));
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (!line.startsWith(`${gateway.base}/`)) continue;
      const answer = await fetch(await new Visitor(gateway.base).allow(line));
      expect(answer.status).toBe(200);
    }
    const [code] = await closed;
    const end = { code, how: `ended with ${code}`, lastLines: lines.slice(-20).join('\n') };
    return await Promise.all(
      Object.keys(SCENARIOS).map(async (name) => {
        const checks = await readChecks(output, `authorization-server-${name}-`);
        const { passed, succeeded, failures, warnings } = judge(checks, end);
        return { name, passed, succeeded, failures, warnings };
      }),
    );
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await rm(output, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
