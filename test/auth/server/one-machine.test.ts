/** The sign-in on one's own machine: by either name of it, and beside another gateway. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { PASSWORDS, type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { claimsOf } from '../../hosts/host.ts';
import { Bench, type Tokens, WEB } from './bench.ts';
import { Browser } from './browser.ts';

const running: SignInGateway[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
});

async function start(config: object = {}): Promise<SignInGateway> {
  const gateway = await startSignInGateway({}, { config });
  running.push(gateway);
  return gateway;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const login = { login: 'ada', password: PASSWORDS.ada };

test.each([
  { own: '127.0.0.1', other: 'localhost', configured: false },
  { own: 'localhost', other: '127.0.0.1', configured: true },
])(
  'who comes by $other is sent to $own before there is a cookie, and gets through',
  { timeout: 60_000 },
  async ({ own, other, configured }) => {
    const port = await freePort();
    await start({ server: { port, ...(configured && { publicUrl: `http://${own}:${port}` }) } });
    const bench = new Bench(`http://${own}:${port}`);
    const endpoint = `http://${other}:${port}/mcp`;
    const unknown = await fetch(endpoint, { method: 'POST' });
    const [, about] = /resource_metadata="([^"]+)"/.exec(unknown.headers.get('www-authenticate') ?? '')!;
    expect(await (await fetch(about!)).json()).toMatchObject({
      resource: endpoint,
      authorization_servers: [bench.base],
    });

    const client = await bench.register([WEB]);
    const question = bench.question(client, { resource: endpoint });
    question.hostname = other;
    const first = await fetch(question, { redirect: 'manual' });
    expect([first.status, first.headers.getSetCookie()]).toEqual([307, []]);
    expect(first.headers.get('location')).toBe(question.href.replace(other, own));

    const browser = bench.browser();
    const page = await browser.go(question);
    expect(page.url.hostname).toBe(own);
    const { left } = await browser.fill(await browser.fill(page, login), { decision: 'allow' });
    const { body } = await bench.redeem(client, left!.searchParams.get('code')!, { resource: endpoint });
    const { access_token } = body as unknown as Tokens;
    expect(claimsOf(access_token)).toMatchObject({ iss: bench.base, aud: endpoint });
    expect(await bench.knock(access_token)).toBe(400);

    // other names are nobody's, and what is no visit of a browser is answered where it came
    const elsewhere = await fetch(`http://${other}:${port}/.well-known/oauth-authorization-server`);
    expect(await elsewhere.json()).toMatchObject({ issuer: bench.base });
  },
);

test('two gateways do not sign each other out', { timeout: 60_000 }, async () => {
  const benches = [new Bench((await start()).base), new Bench((await start()).base)];
  const browser = new Browser(benches[0]!.base);
  const visit = { until: ({ origin }: URL) => origin === new URL(WEB).origin };
  const questions = await Promise.all(benches.map(async (bench) => bench.question(await bench.register([WEB]))));
  const consents = [];
  for (const question of questions)
    consents.push(await browser.fill(await browser.go(question, visit), login, undefined, visit));
  for (const consent of consents) {
    const { left } = await browser.fill(consent, { decision: 'allow' }, undefined, visit);
    expect(left?.searchParams.get('code')).toMatch(/./);
  }
  // and the browser is still known to both
  for (const question of questions) {
    const { left } = await browser.go(question, visit);
    expect(left?.searchParams.get('code')).toMatch(/./);
  }
});
