/** What the config says of an issuer that is asked about tokens, each key by itself. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Introspector } from '../../src/auth/introspection.ts';
import { createSafeFetch } from '../../src/auth/safe-fetch.ts';
import { parseConfig } from '../../src/config/load.ts';
import { createLogger } from '../../src/telemetry/log.ts';

let server: Server;
let base: string;
let asked: { path: string | undefined; authorization: string | undefined; body: string }[];
beforeAll(async () => {
  asked = [];
  server = createServer(async (req, res) => {
    asked.push({ path: req.url, authorization: req.headers.authorization, body: await text(req) });
    const facts = {
      sub: 'u-1',
      upn: 'alice',
      scope: 'read',
      perms: ['write'],
      client_id: 'host',
      app: 'desk',
      tid: 't',
    };
    const answer = { active: true, aud: 'https://other.example/mcp', groups: ['g'], teams: ['ops'], ...facts };
    res.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

/** Asks about a token. @param more settings of the issuer, as YAML */
async function verify(more: string) {
  const issuer = `{ issuer: "${base}", endpoint: "${base}/ask", clientId: me, clientSecret: "\${env:S}", ${more} }`;
  const source = `auth: { mode: introspection, introspection: [${issuer}] }\nupstreams: { a: { command: run } }`;
  const loaded = parseConfig(source, { file: 'patchbay.yaml', env: { S: 'secret' } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const log = createLogger({ level: 'silent', format: 'json' });
  const introspector = new Introspector(loaded.config.auth.introspection[0]!, createSafeFetch({ allow: [] }), log);
  return introspector.verify('a token', (audience) => audience === 'https://here.example/mcp');
}

test('endpoint, clientId and clientSecret: where it is asked, and as whom', async () => {
  await verify('audience: https://other.example/mcp');
  expect(asked.at(-1)).toMatchObject({
    path: '/ask',
    authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
    body: expect.stringContaining('token=a+token'),
  });
});

test('audience: for whom a token may be, in place of the endpoint', async () => {
  await expect(verify('cache: 0')).rejects.toThrow('it is meant for another audience');
  expect(await verify('audience: [https://x.example, https://other.example/mcp]')).toBeDefined();
});

test('claims: subject, scopes, client, tenant and groups are where they say', async () => {
  const usual = await verify('audience: https://other.example/mcp');
  expect(usual?.principal).toMatchObject({ subject: 'u-1', scopes: ['read'], clientId: 'host', groups: ['g'] });
  const names = '{ subject: upn, scopes: perms, client: app, tenant: tid, groups: teams }';
  const named = await verify(`audience: https://other.example/mcp, claims: ${names}`);
  expect(named?.principal).toMatchObject({
    subject: 'alice',
    scopes: ['write'],
    clientId: 'desk',
    groups: ['ops'],
    tenant: 't',
  });
});
