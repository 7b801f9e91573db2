/** Signing in at Patchbay for a profile: what is agreed to is for that URL, also for profiles that come while it runs. */
import { readFile, writeFile } from 'node:fs/promises';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { Session } from '../../gateway/client.ts';
import { Bench, WEB } from './bench.ts';

let gateway: SignInGateway;
let bench: Bench;
let client: string;

beforeAll(async () => {
  gateway = await startSignInGateway({}, { config: { profiles: { research: { scopes: ['research'] } } } });
  bench = new Bench(gateway.base);
  client = await bench.register([WEB]);
}, 60_000);
afterAll(() => gateway?.stop());

const tokenFor = async (profile: string, scope: string): Promise<string> => {
  const resource = `${gateway.url}${profile}`;
  const { status, body } = await bench.redeem(client, await bench.code(client, { resource, scope }));
  expect({ status, body }).toMatchObject({ status: 200 });
  return String(body.access_token);
};

const opens = async (profile: string, token: string): Promise<number> => {
  const response = await fetch(`${gateway.url}${profile}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  });
  await response.text();
  return response.status;
};

describe('a token for a profile', () => {
  test('is good there and at no other, and needs the scopes of the profile', async () => {
    const token = await tokenFor('/research', 'mcp research');
    expect(decodeJwt(token)).toMatchObject({ aud: `${gateway.url}/research`, scope: 'mcp research' });
    expect([await opens('/research', token), await opens('', token)]).toEqual([200, 401]);
    const usual = await tokenFor('', 'mcp');
    expect([await opens('/research', usual), await opens('', usual)]).toEqual([401, 200]);
    expect(await opens('/research', await tokenFor('/research', 'mcp'))).toBe(403);
  });

  test('metadata of the server is found from its URL', async () => {
    for (const form of ['oauth-authorization-server', 'openid-configuration']) {
      const response = await fetch(`${gateway.base}/.well-known/${form}/mcp/research`);
      expect(await response.json()).toMatchObject({ issuer: gateway.base });
    }
  });

  test('there is none for a profile that there is not', async () => {
    const { left } = await bench.browser().go(bench.question(client, { resource: `${gateway.url}/reserch` }));
    expect(left?.searchParams.get('error')).toBe('invalid_target');
  });
});

test('a profile that comes while it runs is signed in to with its scopes; of one that goes, tokens are good for nothing', async () => {
  const config = parse(await readFile(gateway.configPath, 'utf8')) as Record<string, unknown>;
  const token = await tokenFor('/research', 'mcp research');
  const next = { later: { include: ['peer/echo'], scopes: ['later'] } };
  await writeFile(gateway.configPath, stringify({ ...config, profiles: next }));
  await gateway.waitForLog(({ changes }) => JSON.stringify(changes ?? '').includes('profiles.later: added'));
  expect(await opens('/research', token)).toBe(404);
  const authorization = `Bearer ${await tokenFor('/later', 'mcp later')}`;
  const session = await Session.open(`${gateway.url}/later`, { headers: { authorization } });
  expect(await session.names()).toEqual(['peer__echo']);
});
