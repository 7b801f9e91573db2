import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffConfig, formatChange } from '../../src/config/diff.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';

const SECRET = 'hunter2';

function configOf(value: object | string): Config {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const result = parseConfig(text, {
    file: 'patchbay.yaml',
    env: { SECRET, PLACE: `https://mcp.example.com/${SECRET}` },
  });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const diff = (before: object | string, after: object | string) => diffConfig(configOf(before), configOf(after));
const lines = (before: object | string, after: object | string) => diff(before, after).map(formatChange);

/** Changes of one upstream, without the part of the path that they share. */
const ofUpstream = (before: object, after: object) =>
  lines({ upstreams: { a: before } }, { upstreams: { a: after } }).map((line) => line.replace(/^upstreams\.a\./, ''));

const RUN = { command: 'run' };
const URL = { url: 'https://mcp.example.com/mcp' };

describe('settings', () => {
  test.each([
    [{ server: { port: 1 } }, { server: { port: 2 } }, 'server.port: 1 → 2'],
    [{}, { server: { keepAlive: '90s' } }, 'server.keepAlive: 20s → 90s'],
    [{}, { server: { maxBodySize: '1MiB' } }, 'server.maxBodySize: 4MiB → 1MiB'],
    [{}, { server: { sse: true } }, 'server.sse: false → true'],
    [{}, { log: { level: 'debug' } }, 'log.level: info → debug'],
    [{}, { sessions: { events: { maxEvents: 5 } } }, 'sessions.events.maxEvents: 1000 → 5'],
    [{}, { names: { separator: '-' } }, 'names.separator: "__" → "-"'],
    [{}, { storage: { folder: '/srv' } }, 'storage.folder: added ("/srv")'],
    [{ storage: { folder: '/srv' } }, {}, 'storage.folder: removed ("/srv")'],
    [{}, { server: { publicUrl: 'https://a.example.com' } }, 'server.publicUrl: added ("https://a.example.com")'],
    [{}, { server: { allowedHosts: ['a'] } }, 'server.allowedHosts: changed'],
  ])('%j → %j', (before, after, line) => expect(lines(before, after)).toEqual([line]));

  test('a default that is written out, or left out, is no change', () => {
    expect(diff({}, { server: { port: 8080 }, lists: null })).toEqual([]);
    expect(ofUpstream(RUN, { ...RUN, args: [], env: {}, sharing: 'session', timeouts: { call: 300 } })).toEqual([]);
    expect(ofUpstream(RUN, { ...RUN, type: 'stdio' })).toEqual([]);
  });

  test('a long text is cut', () => {
    const [line] = lines({}, { storage: { folder: `/${'x'.repeat(500)}` } });
    expect(line).toMatch(/^storage\.folder: added \("\/x{59}…"\)$/);
  });
});

describe('upstreams', () => {
  test('that come and go are one change each', () => {
    const before = { upstreams: { stays: RUN, goes: { ...RUN, env: { A: 'b' } } } };
    const after = { upstreams: { stays: RUN, comes: URL } };
    expect(diff(before, after)).toEqual([
      { path: 'upstreams.goes', kind: 'removed', upstream: 'goes' },
      { path: 'upstreams.comes', kind: 'added', upstream: 'comes' },
    ]);
    expect(lines(before, after)).toEqual(['upstreams.goes: removed', 'upstreams.comes: added']);
  });

  test('that change are told by key', () => {
    const before = { upstreams: { a: RUN, b: RUN } };
    const after = {
      upstreams: {
        a: RUN,
        b: {
          ...RUN,
          args: ['x'],
          timeouts: { call: '1h' },
          items: { tools: { slow: { timeout: '30m', rate: '10/1m' } } },
        },
      },
    };
    expect(diff(before, after)).toEqual([
      { path: 'upstreams.b.timeouts.call', kind: 'changed', upstream: 'b', key: 'timeouts', before: '5m', after: '1h' },
      { path: 'upstreams.b.items.tools.slow', kind: 'added', upstream: 'b', key: 'items' },
      { path: 'upstreams.b.args', kind: 'changed', upstream: 'b', key: 'args' },
    ]);
  });

  test.each<[string, object, object, string[]]>([
    [
      'choices, numbers and switches',
      RUN,
      { ...RUN, sharing: 'user', maxMessageSize: '1MiB', enabled: false },
      ['sharing: session → user', 'enabled: true → false', 'maxMessageSize: 64MiB → 1MiB'],
    ],
    [
      'variables by name',
      { ...RUN, env: { A: '1', B: '2', C: '3' } },
      { ...RUN, env: { A: '1', B: '3', D: '' } },
      ['env.B: changed', 'env.C: removed', 'env.D: added'],
    ],
    ['headers by name', URL, { ...URL, headers: { Authorization: 'Bearer x' } }, ['headers.Authorization: added']],
    [
      'texts without their value',
      { ...RUN, cwd: '/a' },
      { command: 'ran', cwd: '/b' },
      ['command: changed', 'cwd: changed'],
    ],
    [
      'limits of items',
      { ...RUN, items: { tools: { slow: { timeout: '10s', rate: '10/1m' } } } },
      { ...RUN, items: { tools: { slow: { timeout: '20s', rate: '5/1m', title: 'x' } } } },
      ['items.tools.slow.timeout: 10s → 20s', 'items.tools.slow.rate: 10/1m → 5/1m', 'items.tools.slow.title: added'],
    ],
    ['another address', URL, { url: 'https://other.example.com/mcp' }, ['url: changed']],
    [
      'a server in place of a process',
      { ...RUN, args: ['x'] },
      { ...URL, headers: { X: 'y' } },
      ['command: removed', 'args: removed', 'url: added', 'headers.X: added'],
    ],
  ])('%s', (_, before, after, expected) => expect(ofUpstream(before, after)).toEqual(expected));

  test('patterns of items in another order are told as that, since the later has the word', () => {
    const items = (...globs: string[]) => ({
      tools: Object.fromEntries(globs.map((glob) => [glob, { hide: glob === 'a*' }])),
    });
    const changed = ofUpstream({ ...RUN, items: items('a*', '*b') }, { ...RUN, items: items('*b', 'a*') });
    expect(changed).toEqual(['items.tools: reordered']);
    const added = ofUpstream({ ...RUN, items: items('a*', '*b') }, { ...RUN, items: items('a*', 'c', '*b') });
    expect(added).not.toContain('items.tools: reordered');
  });

  test('in another order are told as that, since lists follow it', () => {
    expect(lines({ upstreams: { a: RUN, b: RUN, c: RUN } }, { upstreams: { c: RUN, a: RUN, d: RUN } })).toEqual([
      'upstreams.b: removed',
      'upstreams.d: added',
      'upstreams: reordered',
    ]);
    expect(diff({ upstreams: { a: RUN, b: RUN } }, { mcpServers: { a: RUN }, servers: { b: RUN } })).toEqual([]);
  });

  test('with odd names are quoted, on one line', () => {
    expect(lines({}, { upstreams: { 'my "server".x': RUN } })).toEqual(['upstreams."my \\"server\\".x": added']);
  });
});

describe('secrets never appear', () => {
  const PLACES: object[] = [
    { command: `\${env:SECRET}` },
    { ...RUN, args: [`--token=\${env:SECRET}`] },
    { ...RUN, args: [SECRET] },
    { ...RUN, env: { TOKEN: SECRET } },
    { ...RUN, cwd: `/\${env:SECRET}` },
    { url: `\${env:PLACE}` },
    { url: `https://mcp.example.com/mcp?key=${SECRET}` },
    { ...URL, headers: { Authorization: `Bearer ${SECRET}` } },
    { ...RUN, inheritEnv: [SECRET] },
  ];

  test.each(PLACES.map((place) => [place]))('%j', (place) => {
    for (const other of [RUN, URL, ...PLACES]) {
      const text = JSON.stringify([
        lines({ upstreams: { a: place } }, { upstreams: { a: other } }),
        lines({ upstreams: { a: other } }, { upstreams: { a: place } }),
      ]);
      expect(text).not.toContain(SECRET);
    }
  });

  test('also of settings whose texts are shown, where they look like one', () => {
    const before = { server: { publicUrl: 'https://a.example.com' } };
    expect(lines(before, { server: { publicUrl: `https://a.example.com/x@${SECRET}` } })).toEqual([
      'server.publicUrl: changed',
    ]);
  });
});

test('two configs differ exactly when there is a change', () => {
  const upstream = fc.oneof(
    fc.record({
      command: fc.constantFrom('run', 'ran'),
      env: fc.dictionary(fc.constantFrom('A', 'B'), fc.constantFrom('1', '2')),
    }),
    fc.record({ url: fc.constantFrom('http://a/', 'http://b/'), sharing: fc.constantFrom('user', 'shared') }),
  );
  const config = fc
    .record({
      server: fc.record(
        { port: fc.integer({ min: 1, max: 3 }), publicUrl: fc.constant('http://a') },
        { requiredKeys: [] },
      ),
      upstreams: fc.dictionary(fc.constantFrom('a', 'b', 'c'), upstream),
      storage: fc.record({ folder: fc.constantFrom('x', 'y') }, { requiredKeys: [] }),
    })
    .map(configOf);
  // the order of upstreams counts, that of other members does not
  const content = ({ upstreams, ...rest }: Config) =>
    JSON.stringify([
      rest,
      Object.entries(upstreams).map(([name, one]) => [
        name,
        Object.entries(one).map(([key, value]) => [key, key === 'env' ? Object.entries(value).sort() : value]),
      ]),
    ]);
  fc.assert(
    fc.property(config, config, (a, b) => {
      expect(diffConfig(a, a)).toEqual([]);
      expect(diffConfig(a, b).length === 0).toBe(content(a) === content(b));
      for (const line of diffConfig(a, b).map(formatChange)) expect(line).not.toMatch(/undefined|\n/);
    }),
    { numRuns: 150 },
  );
}, 60_000);
