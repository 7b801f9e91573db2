/** Questions that no honest client asks: each is refused as the RFCs say, where the client can be told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PASSWORDS } from '../../fixtures/sign-in-gateway.ts';
import { type Attacked, expectTold, refusedWith, startAttacked } from './attacked.ts';
import { type Bench, WEB } from './bench.ts';

/** More than the other tests of this file make, and few enough to be reached. */
const REGISTRATIONS = 20;

let attacked: Attacked;
let bench: Bench;
let web: string;
beforeAll(async () => {
  attacked = await startAttacked({ limits: { registrations: REGISTRATIONS } });
  ({ bench, web } = attacked);
}, 60_000);
afterAll(() => attacked?.gateway.stop());

describe('resources', () => {
  test.each(['https://other.example/mcp', 'http://127.0.0.1:1/mcp', 'mcp', 'urn:x', 'javascript:alert(1)'])(
    'of others: %s',
    async (resource) => {
      const { left } = await bench.browser().go(bench.question(web, { resource }));
      expect(left?.href.split('?')[0]).toBe(WEB);
      expect(Object.fromEntries(left!.searchParams)).toEqual({
        error: 'invalid_target',
        error_description: expect.any(String),
        state: 'a state',
        iss: bench.base,
      });
    },
  );

  test('of others beside this one, or that only begin like it', async () => {
    const beside = bench.question(web);
    beside.searchParams.append('resource', 'https://other.example/mcp');
    for (const url of [
      beside,
      ...['/mcp/more', '/mcp/../x', '/', '/mcp?x=1', '/mcp#x', '/MCP'].map((path) =>
        bench.question(web, { resource: bench.base + path }),
      ),
    ]) {
      const { left } = await bench.browser().go(url);
      expect(left?.searchParams.get('error')).toBe('invalid_target');
    }
  });

  test('another one for the code', async () => {
    const code = await bench.code(web);
    refusedWith(await bench.redeem(web, code, { resource: 'https://other.example/mcp' }), 'invalid_target');
  });
});

describe('other ways to ask', () => {
  test.each([
    { response_type: 'token' },
    { response_type: 'id_token' },
    { response_type: 'code token' },
    { response_type: 'none' },
    { response_mode: 'fragment' },
    { response_mode: 'form_post' },
    { response_mode: 'web_message' },
    { request: 'e30.e30.' },
    { request_uri: 'https://evil.example/request' },
    { scope: 'mcp \u0000' },
  ])('%j', async (changes) => {
    const stop = await bench.browser().go(bench.question(web, changes));
    if (stop.left) {
      expect(stop.left.href.split(/[?#]/)[0]).toBe(WEB);
      expect(stop.left.href).toContain(`iss=${encodeURIComponent(bench.base)}`);
      expect(stop.left.href).toContain('error=');
    } else expect(stop.status === 200 ? stop.html : 'name="password"').toContain('name="password"');
    expect(stop.html + stop.left).not.toMatch(/access_token|[?&#]code=/);
  });

  test.each(['password', 'client_credentials', 'implicit', 'urn:ietf:params:oauth:grant-type:token-exchange', ''])(
    'grant %j',
    async (grant) => {
      const answer = await bench.token({ grant_type: grant, client_id: web, username: 'ada', password: PASSWORDS.ada });
      expect(answer.status).toBe(400);
      expect(answer.body.access_token).toBeUndefined();
    },
  );
});

describe('registration', () => {
  test.each(['', '[]', '{', '"text"'])('of %j is refused in the words of OAuth', async (body) => {
    const response = await fetch(`${bench.base}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: expect.any(String) });
  });

  test('a flood of registrations: after some, the address is to wait', async () => {
    const body = { redirect_uris: [WEB] };
    let answer = await bench.tryRegister(body);
    for (let i = 0; answer.status === 201 && i < REGISTRATIONS; i++) answer = await bench.tryRegister(body);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
    // under every name it has
    for (const path of ['/register', '/oauth/register/', '/register?x', '/oauth/register?x']) {
      const response = await fetch(bench.base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7' },
        body: JSON.stringify(body),
      });
      await response.body?.cancel();
      expect([429, 404]).toContain(response.status);
    }
    await attacked.gateway.waitForLog(
      ({ audit, limit }) => audit === 'limited' && limit === 'auth.limits.registrations',
    );
    // those who are there already still sign in
    expect(await bench.code(web)).toMatch(/./);
  });
});

test('what was refused is in the log, with who and why', () =>
  expectTold(attacked.gateway, [{ fault: 'invalid_target', client: web }]));
