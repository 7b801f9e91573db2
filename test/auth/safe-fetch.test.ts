import type { RequestListener } from 'node:http';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSafeFetch, type FetchRefused } from '../../src/auth/safe-fetch.ts';
import { startWeb, trustThem, type Web } from './https.ts';

beforeAll(trustThem);

const running: Web[] = [];
afterEach(async () => {
  for (const web of running.splice(0)) await web.close();
});

async function web(scheme: 'http' | 'https', listener: RequestListener, host?: string): Promise<Web> {
  const started = await startWeb(scheme, listener, host);
  running.push(started);
  return started;
}

const ok: RequestListener = (_req, res) => res.setHeader('content-type', 'application/json').end('{"ok":true}');

/** All names are 127.0.0.1. */
const here = async () => [{ address: '127.0.0.1', family: 4 }];
const strict = createSafeFetch({ allow: [], resolve: here });
const open = createSafeFetch({ allow: ['127.0.0.1'], resolve: here });

const refusal = (why: FetchRefused['why'], text: RegExp) =>
  expect.objectContaining({ name: 'FetchRefused', why, message: expect.stringMatching(text) });

describe('addresses in URLs', () => {
  const URLS = [
    'https://127.0.0.1/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://224.0.0.1/',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[ff02::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://0/',
    'https://①②⑦.0.0.1/',
  ];
  test.each(URLS)('%s is refused before anything is sent', async (url) => {
    await expect(strict(url)).rejects.toEqual(refusal('refused', /is not a public address; .* auth\.allowAddresses/));
  });

  test('of this machine are refused although a server listens there', async () => {
    const server = await web('https', ok);
    await expect(strict(`https://127.0.0.1:${server.port}/`)).rejects.toEqual(refusal('refused', /not a public/));
    expect(server.hits).toBe(0);
  });

  test('that the admin listed are let in', async () => {
    const server = await web('https', ok);
    const response = await open(`https://127.0.0.1:${server.port}/x?y`);
    expect(await response.json()).toEqual({ ok: true });
    expect(response.url).toBe(`https://127.0.0.1:${server.port}/x?y`);
  });
});

describe('names', () => {
  test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', 'fd00::1', '::ffff:127.0.0.1', 'fe80::1%lo'])(
    '#169 that resolve to %s are refused',
    async (address) => {
      const resolve = async () => [{ address, family: address.includes(':') ? 6 : 4 }];
      const fetch = createSafeFetch({ allow: [], resolve });
      await expect(fetch('https://private.example.test/')).rejects.toEqual(
        refusal('refused', /private\.example\.test/),
      );
    },
  );

  test('by the resolver of the machine as well', async () => {
    const server = await web('https', ok);
    const fetch = createSafeFetch({ allow: [] });
    await expect(fetch(`https://localhost:${server.port}/`)).rejects.toEqual(refusal('refused', /localhost/));
    expect(server.hits).toBe(0);
  });

  test('of which one address is not allowed lead to the others alone', async () => {
    const [good, bad] = [await web('https', ok, '127.0.0.2'), await web('https', ok)];
    const resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ];
    const fetch = createSafeFetch({ allow: ['127.0.0.2'], resolve });
    expect((await fetch(`https://a.example.test:${good.port}/`)).status).toBe(200);
    await expect(fetch(`https://a.example.test:${bad.port}/`)).rejects.toEqual(
      refusal('unreachable', /a\.example\.test/),
    );
    expect(bad.hits).toBe(0);
  });

  test('#169 that resolve to another address later are checked then: what was checked is what is connected to', async () => {
    let asked = 0;
    const addresses = ['127.0.0.2', '127.0.0.1'];
    const resolve = async () => [{ address: addresses[asked++]!, family: 4 }];
    const server = await web('https', (_req, res) => res.setHeader('connection', 'close').end('{}'), '0.0.0.0');
    const fetch = createSafeFetch({ allow: ['127.0.0.2'], resolve });
    expect((await fetch(`https://rebind.example.test:${server.port}/`)).status).toBe(200);
    expect(asked).toBe(1);
    await expect(fetch(`https://rebind.example.test:${server.port}/`)).rejects.toEqual(
      refusal('refused', /127\.0\.0\.1/),
    );
    expect([asked, server.hits]).toEqual([2, 1]);
  });

  test('that do not resolve are not reached', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    const fetch = createSafeFetch({ allow: [], resolve });
    await expect(fetch('https://nowhere.example.test/')).rejects.toEqual(refusal('unreachable', /ENOTFOUND/));
    const none = createSafeFetch({ allow: [], resolve: async () => [] });
    await expect(none('https://nowhere.example.test/')).rejects.toEqual(refusal('refused', /has no address/));
  });
});

describe('this machine', () => {
  test('is reached by http where the admin wrote it so', async () => {
    const server = await web('http', ok);
    const url = `http://127.0.0.1:${server.port}/`;
    expect((await strict(url, { loopback: true })).status).toBe(200);
    expect((await strict(`http://localhost:${server.port}/`, { loopback: true })).status).toBe(200);
    await expect(strict(url)).rejects.toEqual(refusal('refused', /not a public/));
    await expect(strict(`http://localhost:${server.port}/`)).rejects.toEqual(refusal('refused', /not a public/));
    expect(server.hits).toBe(2);
  });

  test('is not meant by another name that resolves to it', async () => {
    const server = await web('https', ok);
    const url = `https://a.example.test:${server.port}/`;
    await expect(strict(url, { loopback: true })).rejects.toEqual(refusal('refused', /a\.example\.test/));
    expect(server.hits).toBe(0);
  });

  test('its names do not stand for others', async () => {
    const fetch = createSafeFetch({ allow: ['10.0.0.0/8'], resolve: async () => [{ address: '10.0.0.1', family: 4 }] });
    await expect(fetch('http://localhost/', { loopback: true })).rejects.toEqual(
      refusal('refused', /not this machine/),
    );
  });
});

describe('URLs', () => {
  test.each([
    ['http://a.example.test/', /is not https/],
    ['ftp://127.0.0.1/', /is not https/],
    ['file:///etc/passwd', /is not https/],
    ['data:text/plain,x', /is not https/],
    ['https://user:pass@a.example.test/', /user name or password/],
    ['nothing', /not a URL/],
  ])('%s is refused', async (url, text) => {
    await expect(open(url, { loopback: true })).rejects.toEqual(refusal('refused', text));
  });

  test('are not told in full, since they may hold secrets', async () => {
    const problem = await open('http://a.example.test/secret?key=secret').catch((error: Error) => error.message);
    expect(problem).not.toContain('secret');
  });
});

describe('redirects', () => {
  const to =
    (location: string, status = 302): RequestListener =>
    (_req, res) =>
      res.writeHead(status, { location }).end();

  test.each([
    'https://10.0.0.1/',
    'https://169.254.169.254/',
    'https://[::ffff:10.0.0.1]/',
    'https://0x0a000001/',
    'http://a.example.test/',
    'file:///etc/passwd',
  ])('to %s are refused', async (location) => {
    const server = await web('https', to(location));
    const fetched = open(`https://a.example.test:${server.port}/`, { redirects: 3 });
    await expect(fetched).rejects.toEqual(refusal('refused', /not a public address|not https/));
  });

  test('from this machine do not lead to another service of it', async () => {
    const inner = await web('http', ok);
    const server = await web('http', to(`http://127.0.0.1:${inner.port}/`));
    const fetched = strict(`http://127.0.0.1:${server.port}/`, { redirects: 3, loopback: true });
    await expect(fetched).rejects.toEqual(refusal('refused', /not a public/));
    expect(inner.hits).toBe(0);
  });

  test('are followed as often as was said, without credentials', async () => {
    const seen: (string | undefined)[] = [];
    const server = await web('https', (req, res) => {
      seen.push(req.headers.authorization);
      const step = Number(new URL(req.url!, 'https://x').searchParams.get('step'));
      if (step < 2) res.writeHead(307, { location: `?step=${step + 1}` }).end();
      else ok(req, res);
    });
    const url = `https://a.example.test:${server.port}/?step=0`;
    const response = await open(url, { redirects: 2, headers: { Authorization: 'Basic x' } });
    expect(response.url).toMatch(/step=2$/);
    expect(seen).toEqual(['Basic x', undefined, undefined]);
    await expect(open(url, { redirects: 1 })).rejects.toEqual(refusal('refused', /redirects/));
    await expect(open(url)).rejects.toEqual(refusal('refused', /redirects/));
    await expect(open(url, { redirects: 2, method: 'POST', body: 'x' })).rejects.toEqual(
      refusal('refused', /redirects/),
    );
  });
});

describe('limits', () => {
  test('an answer that says that it is too long is not read', async () => {
    const server = await web('https', (_req, res) => res.writeHead(200, { 'content-length': 5_000 }).write('x'));
    const fetched = open(`https://a.example.test:${server.port}/`, { maxBytes: 4_999 });
    await expect(fetched).rejects.toEqual(refusal('refused', /more than 4999 bytes/));
  });

  test('one that does not say so is read up to the limit', async () => {
    const server = await web('https', (_req, res) => {
      const more = () => {
        if (res.destroyed) return;
        res.write('x'.repeat(10_000));
        setImmediate(more);
      };
      more();
    });
    const fetched = open(`https://a.example.test:${server.port}/`, { maxBytes: 100_000 });
    await expect(fetched).rejects.toEqual(refusal('refused', /more than 100000 bytes/));
    const exact = await web('https', (_req, res) => res.end('x'.repeat(100)));
    expect(await (await open(`https://a.example.test:${exact.port}/`, { maxBytes: 100 })).text()).toHaveLength(100);
  });

  test('a compressed one is refused', async () => {
    const server = await web('https', (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
    await expect(open(`https://a.example.test:${server.port}/`)).rejects.toEqual(refusal('refused', /compressed/));
  });

  test('one that never begins, or never ends, ends with the time', async () => {
    const silent = await web('https', () => undefined);
    await expect(open(`https://a.example.test:${silent.port}/`, { timeout: 50 })).rejects.toEqual(
      refusal('timeout', /longer than 50 ms/),
    );
    const endless = await web('https', (_req, res) => res.writeHead(200).write('x'));
    await expect(open(`https://a.example.test:${endless.port}/`, { timeout: 50 })).rejects.toEqual(
      refusal('timeout', /longer than 50 ms/),
    );
  });
});

test('what answers badly is still an answer', async () => {
  const server = await web('https', (_req, res) => res.writeHead(503).end('{}'));
  expect((await open(`https://a.example.test:${server.port}/`)).status).toBe(503);
  const empty = await web('https', (_req, res) => res.writeHead(204).end());
  expect((await open(`https://a.example.test:${empty.port}/`)).status).toBe(204);
});
