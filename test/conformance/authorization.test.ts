/** The official conformance suite for authorization servers, against the one that Patchbay brings; a user signs in meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import { Host, type ServerMetadata } from '../hosts/host.ts';
import { Visitor } from '../hosts/visitor.ts';
import { SUITE } from './suite-cli.ts';

const LONG_MS = 90_000;

let gateway: SignInGateway;

beforeAll(async () => {
  gateway = await startSignInGateway();
}, LONG_MS);
afterAll(() => gateway?.stop());

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test.each(['2025-11-25', '2026-07-28'])(
  'every scenario of %s passes',
  async (version) => {
    const port = await freePort();
    const host = new Host(gateway);
    const { registration_endpoint } = await host.document<ServerMetadata>('/.well-known/oauth-authorization-server');
    const redirectUri = `http://127.0.0.1:${port}/callback`;
    const { client_id: clientId } = await host.register(registration_endpoint, { redirect_uris: [redirectUri] });
    const options = { url: gateway.base, 'client-id': clientId, resource: gateway.url, port, 'spec-version': version };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const suite = spawn(process.execPath, [`${SUITE}/dist/index.js`, 'authorization', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let visited: Promise<unknown> | undefined;
    const hear = (chunk: Buffer): void => {
      said += chunk;
      const [url] = /http:\/\/\S+\/oauth\/authorize\?\S+(?=\s)/.exec(said) ?? [];
      // it prints where a person has to go, and waits for the answer
      if (url && /Callback server started/.test(said))
        visited ??= new Visitor(gateway.base).allow(url).then((to) => fetch(to));
    };
    suite.stdout.on('data', hear);
    suite.stderr.on('data', hear);
    const [code] = await once(suite, 'exit');
    await visited;
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/Total: [1-9]\d* passed, 0 failed/) });
    expect(said).toMatch(/✓ authorization-code-grant: 1 passed/);
  },
  LONG_MS,
);
