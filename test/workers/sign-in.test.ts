/** The sign-in with two workers: one of them does it, all of them take what it gives. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench, type Tokens, WEB } from '../auth/server/bench.ts';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import { exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { type Scatter, startScatter } from './scatter.ts';

const LONG = 60_000;

let gateway: SignInGateway;
let scatter: Scatter;

beforeAll(async () => {
  gateway = await startSignInGateway({}, { config: { server: { port: 0, workers: 2 } } });
  scatter = await startScatter(gateway.url);
}, LONG);

afterAll(async () => {
  scatter?.close();
  await gateway?.stop();
});

test('whoever takes a connection, people sign in, and their tokens are good at each worker', {
  timeout: LONG,
}, async () => {
  const bench = new Bench(gateway.base);
  const client = await bench.register([WEB]);
  for (let i = 0; i < 4; i++) {
    const { body } = await bench.redeem(client, await bench.code(client));
    const { access_token } = body as unknown as Tokens;
    const modern = new ModernClient(scatter.url, {}, { authorization: `Bearer ${access_token}` });
    for (let j = 0; j < 4; j++) expect(await modern.result('tools/list')).toMatchObject({ tools: expect.any(Array) });
  }
  const workers = gateway.logs
    .filter(({ audit }) => audit === 'sign-in')
    .map(({ worker, address }) => ({ worker, address }));
  expect(workers.length).toBeGreaterThan(0);
  for (const one of workers) expect(one).toEqual({ worker: 1, address: '127.0.0.1' });
});

test('metadata is the same everywhere, and no token is asked for in the same words', { timeout: LONG }, async () => {
  const { origin } = new URL(scatter.url);
  for (const path of [
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/oauth/jwks',
  ]) {
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await (await fetch(`${origin}${path}`)).text());
    expect(new Set(answers).size).toBe(1);
  }
  for (let i = 0; i < 4; i++) {
    const answer = await exchange(scatter.url, { body: { jsonrpc: '2.0', id: 1, method: 'ping' } });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('resource_metadata'),
    ]);
  }
});
