/** Which era an upstream is of: found out by asking, asked again when that told nothing or may have changed. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { EraVerdict } from '../../src/upstreams/era-verdict.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { firstText, Session } from './client.ts';
import { MODERN, ModernClient } from './modern-client.ts';
import { type Handler, type ScriptedModern, startModern } from './scripted-modern.ts';
import { json, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const TINY = fileURLToPath(new URL('../fixtures/tiny-upstream.sh', import.meta.url));
const recovery = { firstRetry: '20ms', maxRetry: '100ms' };
const lists = { firstWait: '100ms' };
const WAIT = { timeout: 15_000, interval: 20 };

/** A test with upstreams and a gateway that are gone after it. */
async function around(
  upstreams: (ScriptedModern | ScriptedUpstream)[],
  config: object,
  run: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({ config }).catch(async (error: unknown) => {
    await Promise.all(upstreams.map((upstream) => upstream.close()));
    throw error;
  });
  try {
    await run(gateway);
  } finally {
    await gateway.stop();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  }
}

const handlers = (answer: string) => ({ 'tools/call': () => textResult(answer) });
const toolNames = async (gateway: Gateway): Promise<string[]> => {
  const { tools } = await new ModernClient(gateway.url).result('tools/list');
  return (tools as { name: string }[]).map(({ name }) => name).sort();
};
const called = async (gateway: Gateway, name = 'up__one'): Promise<string> =>
  firstText(await new ModernClient(gateway.url).call(name));

test.each([401, 429, 503])('#147 HTTP %i says nothing of the era, and is asked again later', async (status) => {
  const refuse: Handler = (_, res) => void res.writeHead(status).end();
  const modern = await startModern({
    tools: [tool('one')],
    handlers: { ...handlers('modern'), 'server/discover': refuse },
  });
  const legacy = await startUpstream({
    tools: [tool('two')],
    handlers: { ...handlers('legacy'), 'server/discover': refuse as never },
  });
  const upstreams = { up: { url: modern.url, recovery }, old: { url: legacy.url, recovery } };
  await around([modern, legacy], { upstreams, lists }, async (gateway) => {
    await modern.waitFor('server/discover', 2);
    await legacy.waitFor('server/discover', 2);
    // nothing else was tried, whatever the next one might have been
    expect(modern.received.every(({ method }) => method === 'server/discover')).toBe(true);
    expect(legacy.received.every(({ method }) => method === 'server/discover')).toBe(true);
    expect(await toolNames(gateway)).toEqual([]);
    modern.script.handlers = handlers('modern');
    legacy.script.handlers = handlers('legacy');
    await expect.poll(() => toolNames(gateway), WAIT).toEqual(['old__two', 'up__one']);
    expect([await called(gateway), await called(gateway, 'old__two')]).toEqual(['modern', 'legacy']);
    expect(modern.of('initialize')).toEqual([]);
    expect(legacy.of('initialize')).not.toEqual([]);
  });
});

test('#148 a server that dies of the question is started anew and served, and nobody notices', async () => {
  const wary = `read -r first || exit 0; case $first in *server/discover*) exit 1;; esac
    { printf '%s\\n' "$first"; cat; } | sh '${TINY}'`;
  const config = { upstreams: { up: { command: 'sh', args: ['-c', wary] } } };
  await around([], config, async (gateway) => {
    const session = await Session.open(gateway.url);
    expect(await session.names()).toEqual(['up__pid']);
    expect(await session.callText('up__pid')).toMatch(/^\d+ \d+$/);
    expect(await called(gateway, 'up__pid')).toMatch(/^\d+ \d+$/);
    expect(gateway.logs.filter(({ level }) => Number(level) >= 40 || /warn|error|fatal/.test(String(level)))).toEqual(
      [],
    );
    await session.end();
  });
});

test.each(['modern', 'dual'])(
  '#148 a %s server that is slow to start is not taken for a legacy one, and the first call is served',
  async (era) => {
    const eras = fileURLToPath(new URL('../fixtures/eras-server.ts', import.meta.url));
    // longer than it is asked for at first
    const slow = `sleep 3; exec '${process.execPath}' '${eras}' stdio ${era}`;
    const config = { upstreams: { up: { command: 'sh', args: ['-c', slow] } } };
    await around([], config, async (gateway) => {
      expect(await called(gateway, 'up__test_simple_text')).not.toBe('');
    });
  },
);

test('#148 a server that is known to be modern is not started twice because one of its starts is slow', async () => {
  const eras = fileURLToPath(new URL('../fixtures/eras-server.ts', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-probe-'));
  const [starts, slow] = [join(folder, 'starts'), join(folder, 'slow')];
  const exec = `exec '${process.execPath}' '${eras}' stdio modern`;
  const config = {
    upstreams: { up: { command: 'sh', args: ['-c', `echo >> '${starts}'; [ -e '${slow}' ] && sleep 3; ${exec}`] } },
  };
  try {
    await around([], config, async (gateway) => {
      expect(await called(gateway, 'up__test_simple_text')).not.toBe('');
      const before = (await readFile(starts, 'utf8')).length;
      await writeFile(slow, '');
      // another set of capabilities needs two links of its own: one for its lists, one for its calls
      const client = new ModernClient(gateway.url, { sampling: {} });
      expect(firstText(await client.call('up__test_simple_text'))).not.toBe('');
      expect((await readFile(starts, 'utf8')).length).toBe(before + 2);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('#149 a legacy server that was replaced by a modern one on the same address is found out', async () => {
  const old = await startUpstream({ tools: [tool('one')], handlers: handlers('legacy') });
  const upstreams = { up: { url: old.url, recovery } };
  await around([old], { upstreams }, async (gateway) => {
    const session = await Session.open(gateway.url);
    expect([await called(gateway), await session.callText('up__one')]).toEqual(['legacy', 'legacy']);
    await old.close();
    const upgraded = await startModern(
      {
        tools: [tool('one')],
        handlers: {
          'tools/call': ({ headers }) =>
            headers['mcp-protocol-version'] === MODERN
              ? textResult('modern')
              : { error: { code: -32022, message: 'Unsupported', data: { supported: [MODERN] } }, status: 400 },
        },
      },
      Number(new URL(old.url).port),
    );
    try {
      await expect.poll(() => called(gateway).catch(String), WAIT).toBe('modern');
      await expect.poll(() => session.callText('up__one').catch(String), WAIT).toBe('modern');
      expect(upgraded.of('tools/call').at(-1)?.headers).not.toHaveProperty('mcp-session-id');
    } finally {
      await upgraded.close();
    }
  });
});

/** How servers of the legacy era refuse requests that name no session. */
const REFUSALS: [string, string][] = [
  ['a session is missing', '{"jsonrpc":"2.0","error":{"code":-32000,"message":"No valid session ID"},"id":null}'],
  ['the version is unknown', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Unsupported version"},"id":"server"}'],
  ['no JSON at all', 'Missing session ID'],
];

test.each(REFUSALS)(
  '#149 a modern server that was replaced by a legacy one is found out as well: %s',
  async (_, body) => {
    const modern = await startModern({ tools: [tool('one')], handlers: handlers('modern') });
    await around([modern], { upstreams: { up: { url: modern.url, recovery } } }, async (gateway) => {
      const session = await Session.open(gateway.url);
      expect([await called(gateway), await session.callText('up__one')]).toEqual(['modern', 'modern']);
      await modern.close();
      const old = await startUpstream(
        {
          tools: [tool('one')],
          handlers: {
            'server/discover': (_message, res) => json(res, body, 400),
            'tools/call': ({ headers }, res) =>
              headers['mcp-session-id'] === undefined ? json(res, body, 400) : textResult('legacy'),
          },
        },
        Number(new URL(modern.url).port),
      );
      try {
        await expect.poll(() => called(gateway).catch(String), WAIT).toBe('legacy');
        await expect.poll(() => session.callText('up__one').catch(String), WAIT).toBe('legacy');
      } finally {
        await old.close();
      }
    });
  },
);

test.each(REFUSALS)(
  'a modern server that refuses one request stays what it is, and so do its other calls: %s',
  async (_, body) => {
    let finish = (): void => undefined;
    const held = new Promise<object>((done) => {
      finish = () => done(textResult('held'));
    });
    const upstream = await startModern({
      tools: [tool('one'), tool('slow')],
      handlers: {
        'tools/call': ({ params }, res) =>
          params?.name === 'slow' ? held : void res.writeHead(400, { 'content-type': 'application/json' }).end(body),
      },
    });
    await around([upstream], { upstreams: { up: { url: upstream.url, recovery } } }, async (gateway) => {
      const slow = called(gateway, 'up__slow');
      await upstream.waitFor('tools/call');
      const refused = await new ModernClient(gateway.url).ask('tools/call', {
        params: { name: 'up__one', arguments: {} },
      });
      expect(refused.message.error).toMatchObject({ code: -32603 });
      expect(upstream.of('tools/call')).toHaveLength(2);
      finish();
      expect(await slow).toBe('held');
      expect(upstream.of('initialize')).toEqual([]);
    });
  },
);

test('#149 a process that was upgraded is asked when it is started again', async () => {
  // the first run is legacy and ends with its first call; the next is of the other era
  const eras = fileURLToPath(new URL('../fixtures/eras-server.ts', import.meta.url));
  const node = process.execPath;
  const upgrade = `if [ -e "$MARK" ]; then exec '${node}' '${eras}' stdio modern; fi
    while read -r line; do case $line in *tools/call*) : > "$MARK"; exit 1;; esac; printf '%s\\n' "$line"; done | sh '${TINY}'`;
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-upgrade-'));
  const upstreams = {
    // one process for all, so that the old one is gone for all
    up: { command: 'sh', args: ['-c', upgrade], env: { MARK: join(folder, 'upgraded') }, sharing: 'shared', recovery },
  };
  try {
    await around([], { upstreams }, async (gateway) => {
      expect(await toolNames(gateway)).toEqual(['up__pid']);
      const lost = await new ModernClient(gateway.url).ask('tools/call', {
        params: { name: 'up__pid', arguments: {} },
      });
      expect(lost.message.error?.code).toBe(-32603);
      // whoever needs it next has it started again
      await called(gateway, 'up__pid').catch(() => undefined);
      await expect.poll(() => toolNames(gateway), WAIT).toContain('up__test_simple_text');
      expect(await called(gateway, 'up__test_simple_text')).not.toBe('');
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('#149 a verdict of the legacy era has a date, one that is pinned has none', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const verdict = new EraVerdict('auto');
    expect(verdict.legacy).toBe(false);
    verdict.found('legacy');
    vi.advanceTimersByTime(59 * 60_000);
    expect(verdict.legacy).toBe(true);
    vi.advanceTimersByTime(2 * 60_000);
    expect(verdict.legacy).toBe(false);
    const pinned = new EraVerdict('legacy');
    vi.advanceTimersByTime(24 * 3_600_000);
    expect([pinned.legacy, new EraVerdict('modern').legacy]).toEqual([true, false]);
  } finally {
    vi.useRealTimers();
  }
});

const unsupported = (supported: string[]) => ({
  error: { code: -32022, message: 'Unsupported protocol version', data: { supported, requested: MODERN } },
  status: 400,
});

/** Refuses the version once. */
function onceUnsupported(then: Handler): Handler {
  let asked = 0;
  return (message, res) => (asked++ === 0 ? unsupported(['2027-05-05', MODERN]) : then(message, res));
}

test('#150 an upstream that refuses the version is asked once more in one that it lists', async () => {
  const discovery = { supportedVersions: [MODERN], capabilities: { tools: {} }, ttlMs: 0, cacheScope: 'public' };
  const upstream = await startModern({
    tools: [tool('one')],
    handlers: {
      'server/discover': onceUnsupported(() => discovery),
      'tools/call': onceUnsupported(() => textResult('modern')),
    },
  });
  await around([upstream], { upstreams: { up: { url: upstream.url, recovery } } }, async (gateway) => {
    expect(await called(gateway)).toBe('modern');
    expect(upstream.of('initialize')).toEqual([]);
    expect(upstream.of('tools/call')).toHaveLength(2);
    // the same request under another id
    const [first, second] = upstream.of('tools/call');
    expect(second?.id).not.toBe(first?.id);
    expect(second?.params).toMatchObject({ name: 'one', arguments: {} });

    const before = upstream.of('tools/call').length;
    upstream.script.handlers = { 'tools/call': () => unsupported([MODERN]) };
    const refused = await new ModernClient(gateway.url).ask('tools/call', {
      params: { name: 'up__one', arguments: {} },
    });
    expect({ status: refused.status, code: refused.message.error?.code }).toEqual({ status: 200, code: -32603 });
    expect(upstream.of('tools/call')).toHaveLength(before + 2);
    const session = await Session.open(gateway.url);
    expect((await session.request('tools/call', { name: 'up__one' })).error?.code).toBe(-32603);
    await session.end();
  });
});

test('#150 where it lists none that is spoken here, nothing is sent in a version it did not list', async () => {
  const upstream = await startModern({ handlers: { 'server/discover': () => unsupported(['2027-05-05']) } });
  await around([upstream], { upstreams: { up: { url: upstream.url, recovery } }, lists }, async (gateway) => {
    await upstream.waitFor('server/discover', 2);
    await gateway.waitForLog((line) => JSON.stringify(line).includes('2027-05-05'));
    expect(upstream.received.every(({ method }) => method === 'server/discover')).toBe(true);
  });
});
