/** Upstreams that fail in every way there is, beside others that must not notice. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { type Fault, Harness, limits, Mortal } from './harness.ts';

const LONG_MS = 120_000;
const mortals: Mortal[] = [];
const mortal = (...mode: string[]): Mortal => {
  const made = new Mortal(...mode);
  mortals.push(made);
  return made;
};
const remote = async (server: Mortal) => ({ url: await server.start() });
const pem = (name: string) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url));
const sleeping = { tool: 'sleep', args: { ms: 60_000 } };

/** An answer of 50 MB takes its time on a busy machine. */
const BIG = { open: '30s', call: '1m' };
const PATIENT = { ...limits.timeouts, call: '1m' };
const killed = mortal();
const plain = mortal('plain');
let selfSigned: Server;

/** Answers with this status to everything, or to calls alone. */
const status = (code: number, says: RegExp): Fault => {
  const server = mortal('status', String(code), 'tools/call');
  return { name: `status${code}`, upstream: () => remote(server), says };
};
const closed = (code: number, says: RegExp): Fault => {
  const server = mortal('status', String(code));
  return { name: `closed${code}`, upstream: () => remote(server), says };
};

const FAULTS: readonly Fault[] = [
  {
    name: 'killedStdio',
    upstream: () => ({ ...stdioPeer('killed-stdio'), timeouts: PATIENT }),
    tool: 'exit',
    args: { code: 9 },
    says: /lost while tools\/call was in progress \(.*exited with code 9\); whether it took effect is unknown/,
    recover: () => undefined,
  },
  {
    name: 'killedHttp',
    // the call is not to time out before the kill
    upstream: async () => ({ ...(await remote(killed)), timeouts: PATIENT }),
    ...sleeping,
    provoke: () => killed.kill(),
    says: /lost while tools\/call was in progress .*unknown/,
    recover: () => killed.start(),
  },
  {
    name: 'neverAnswers',
    upstream: () => remote(mortal('late')),
    says: /did not answer tools\/call within 1500 ms \(timeouts\.call\)/,
  },
  {
    name: 'neverOpens',
    upstream: async () => ({ ...(await remote(mortal('mute'))), timeouts: { open: '1s' } }),
    says: /within 1000 ms \(timeouts\.open\)|next try in/,
  },
  {
    name: 'byteASecond',
    upstream: () => remote(mortal('slow-body', '1000')),
    says: /did not answer tools\/call within 1500 ms/,
  },
  {
    name: 'closesMidStream',
    upstream: () => remote(mortal('exit-mid-call')),
    says: /lost while tools\/call was in progress/,
  },
  {
    name: 'bigLine',
    upstream: () => ({ ...stdioPeer('big-line'), maxMessageSize: '1MiB', timeouts: BIG }),
    tool: 'big',
    args: { bytes: 50_000_000 },
    says: /larger than maxMessageSize \(1048576 bytes\)/,
    recover: () => undefined,
  },
  {
    name: 'bigBody',
    upstream: async () => ({ ...(await remote(mortal())), maxMessageSize: '1MiB', timeouts: BIG }),
    tool: 'big',
    args: { bytes: 50_000_000 },
    says: /larger than maxMessageSize \(1048576 bytes\)/,
    recover: () => undefined,
  },
  status(401, /HTTP 401 .*check the credentials/),
  status(403, /HTTP 403 .*check the credentials/),
  status(429, /HTTP 429 .*busy/),
  status(500, /HTTP 500/),
  status(503, /HTTP 503|next try in/),
  closed(401, /HTTP 401 .*check the credentials|next try in/),
  closed(404, /HTTP 404 .*check that its url is the MCP endpoint|next try in/),
  closed(503, /HTTP 503 |next try in/),
  {
    name: 'noSuchName',
    upstream: () => ({ url: 'http://no-such-host.invalid/mcp' }),
    says: /host name (is unknown; check its url|could not be looked up)/,
  },
  {
    name: 'noTls',
    upstream: async () => ({ url: (await plain.start()).replace('http:', 'https:') }),
    says: /does not speak TLS there; check whether its url begins with http instead of https/,
  },
  {
    name: 'selfSigned',
    upstream: () => ({ url: `https://localhost:${(selfSigned.address() as AddressInfo).port}/mcp` }),
    says: /certificate is not trusted; name its authority in NODE_EXTRA_CA_CERTS/,
  },
  {
    name: 'noCommand',
    upstream: () => ({ command: 'patchbay-test-no-such-command' }),
    says: /no such command/,
  },
];

let harness: Harness;

beforeAll(async () => {
  selfSigned = createServer({ key: pem('key'), cert: pem('cert') }, (_, res) => res.end());
  await new Promise<void>((done) => selfSigned.listen(0, '127.0.0.1', done));
  harness = await Harness.start(FAULTS);
  // what can be known is known before anything fails
  const client = await RawClient.open(harness.gateway.url);
  await client.request('tools/list');
  await client.end();
}, LONG_MS);

afterAll(async () => {
  await harness?.stop();
  await Promise.all(mortals.map((server) => server.stop()));
  selfSigned?.close();
}, LONG_MS);

test.each(FAULTS)('$name: its client is told, and nobody else notices', (fault) => harness.suffer(fault), LONG_MS);

test(
  '#152 a server that comes back on its port without its sessions is used as if nothing had happened',
  async () => {
    const client = await RawClient.open(harness.gateway.url);
    const whoami = async () => (await client.tool('killedHttp__whoami')).pid;
    const before = await whoami();
    await killed.kill();
    await killed.start();
    expect(await whoami()).not.toBe(before);
    await client.end();
  },
  LONG_MS,
);

test(
  'a message of 50 MB passes where maxMessageSize allows it',
  async () => {
    const client = await RawClient.open(harness.gateway.url);
    const call = async (upstream: string) => {
      const reply = await client.call(`${upstream}__big`, { bytes: 50_000_000 }, { id: upstream });
      return JSON.stringify((await reply.response(upstream, LONG_MS)).result);
    };
    for (const upstream of ['steadyStdio', 'steadyHttp'])
      expect((await call(upstream)).length).toBeGreaterThan(50_000_000);
    await client.end();
  },
  LONG_MS,
);

describe('what is left', () => {
  test(
    'after any number of faults the gateway holds what it held before',
    async () => {
      const quick = FAULTS.filter(({ name }) => /^(killed|status|closed|no|bigBody)/.test(name));
      const rest = async () => {
        for (const fault of quick) await harness.suffer(fault);
        await poll(async () => (await harness.gateway.holdings()).sessions, 20_000).toBe(0);
        await poll(async () => (await harness.gateway.holdings()).links, 20_000).toBeLessThanOrEqual(FAULTS.length + 2);
        return harness.gateway.holdings();
      };
      const first = await rest();
      for (let i = 0; i < 2; i++) await rest();
      const flat = (now: Awaited<ReturnType<typeof rest>>) => ({
        sessions: now.sessions,
        streams: now.streams,
        held: now.held,
      });
      await poll(async () => flat(await harness.gateway.holdings()), 20_000).toEqual(flat(first));
      // links for lists come and go by themselves, so the rest is held to be no more than it was
      await poll(async () => (await harness.gateway.holdings()).children, 20_000).toBeLessThanOrEqual(first.children);
      await poll(async () => (await harness.gateway.holdings()).files, 20_000).toBeLessThanOrEqual(first.files + 5);
      const now = await harness.gateway.holdings();
      expect(now.memory / first.memory).toBeLessThan(1.3);
    },
    LONG_MS,
  );
});

test(
  '#158 one that dies a second after each start is left alone for longer and longer, and says so',
  async () => {
    const flapping = { ...stdioUpstream('peer-server', [], { PLAY: '1', DIE_AFTER: '700' }) };
    const own = await Harness.start([{ name: 'flaps', upstream: () => flapping, says: /./ }]);
    try {
      const client = await RawClient.open(own.gateway.url);
      const failure = async () =>
        (await client.request('tools/call', { name: 'flaps__sleep', arguments: { ms: 60_000 } })).error?.message ?? '';
      await poll(failure, 60_000).toMatch(/failed \d+ times in a row \(.*\); next try in \d+ s/);
      await client.end();
    } finally {
      await own.stop();
    }
  },
  LONG_MS,
);
