/** The config files that are shipped: each is valid, and what their comments promise is so. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';

const root = new URL('../../config/', import.meta.url);
const path = (file: string) => fileURLToPath(new URL(file, root));
const env = { DOCS_TOKEN: 'token' };
const shipped = ['patchbay.yaml', ...readdirSync(new URL('examples/', root)).map((name) => `examples/${name}`)];

test.each(shipped)('%s is valid, without warnings, and names its schema in the first line', (file) => {
  expect(loadConfig(path(file), { env })).toMatchObject({ ok: true, warnings: [] });
  const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(path(file), 'utf8'))?.[1] ?? '';
  expect(new URL(schema, new URL(file, root)).href).toBe(new URL('patchbay.schema.json', root).href);
});

test('remote.yaml needs its token', () => {
  expect(loadConfig(path('examples/remote.yaml'), { env: {} })).toMatchObject({
    ok: false,
    problems: [{ path: 'upstreams.docs.headers.Authorization' }],
  });
});

test('patchbay.yaml serves the four sample upstreams, each kind of process among them', () => {
  const result = loadConfig(path('patchbay.yaml'), { env: {} });
  const kinds = result.ok ? Object.entries(result.config.upstreams).map(([name, { kind }]) => [name, kind]) : [];
  expect(kinds).toEqual([
    ['everything', 'stdio'],
    ['everything-http', 'started-http'],
    ['files', 'stdio'],
    ['memory', 'stdio'],
  ]);
});

test('the values in the comments of patchbay.yaml are the defaults', () => {
  const text = readFileSync(path('patchbay.yaml'), 'utf8');
  const uncommented = text
    .replace(/^ {2}# (publicUrl|folder|key|file): .*$/gm, '')
    .replace(/^ {2}# docs:\n( {2}# .*\n)*/m, '')
    .replace(/^ {2}# (jwt|introspection):\n( {2}# {3}.*\n)*/gm, '')
    .replace(/^ {2}# {3}(users): .*\n/gm, '')
    .replace(/^ {2}# {3}federation:.*\n( {2}# {5}.*\n)*/gm, '')
    .replace(/^ {2}# (\w+: )/gm, '  $1')
    .replace(/^ {2}# (embedded|limits):/gm, '  $1:')
    .replace(/^ {2}# {3}(\w+: )/gm, '    $1');
  expect(uncommented).toMatch(/^ {2}maxItems: /m);
  // but for who is let in: a file that says nothing of it is for one's own machine
  const signIn = 'auth: { mode: [embedded, apiKeys] }\nupstreams: { a: { command: run } }';
  const bare = parseConfig(signIn, { file: 'patchbay.yaml', env: {} });
  const full = parseConfig(uncommented, { file: 'patchbay.yaml', env: {} });
  const settings = (result: typeof full) => result.ok && { ...result.config, upstreams: undefined };
  expect(settings(full)).toEqual(settings(bare));
});

test('the issuers in the comments of patchbay.yaml can be used as they are', () => {
  const text = readFileSync(path('patchbay.yaml'), 'utf8');
  const blocks = text.match(/^ {2}# (jwt|introspection):\n( {2}# {3}.*\n)*/gm) ?? [];
  const issuers = blocks.join('').replace(/^ {2}# /gm, '  ');
  const source = `auth:\n  mode: [jwt, introspection]\n${issuers}upstreams: { a: { command: run } }`;
  const result = parseConfig(source, { file: 'patchbay.yaml', env: { INTROSPECTION_SECRET: 'x' } });
  expect(result).toMatchObject({
    ok: true,
    config: {
      auth: {
        jwt: [{ issuer: 'https://login.example.com', types: ['at+jwt', 'JWT'], clockSkew: 30_000 }],
        introspection: [{ clientSecret: 'x', cache: 30_000 }],
      },
    },
  });
});

test('the profiles and the policy in the comments of patchbay.yaml can be used as they are', () => {
  const text = readFileSync(path('patchbay.yaml'), 'utf8');
  const blocks = text.match(/^# (profiles|policy):\n(# {3}.*\n)+/gm) ?? [];
  const source = `${blocks.join('').replace(/^# /gm, '')}upstreams: { a: { command: run } }\nauth: { mode: apiKeys }`;
  const result = parseConfig(source, { file: 'patchbay.yaml', env: {} });
  expect(result).toMatchObject({
    ok: true,
    config: {
      profiles: { research: { title: 'Research', scopes: ['research'] }, default: { exclude: ['memory'] } },
      policy: [{ groups: ['eng'] }, { readOnly: true }, { unless: { groups: ['admins'] } }],
    },
  });
});

test.each([
  ['url: https://docs.example.com/mcp', /url|headers|cwd|inheritEnv|spares/],
  ['command: run', /url|headers|cwd|transport/],
])('the upstream in the comments of patchbay.yaml shows the defaults too, of one with %s', (kind, others) => {
  const text = readFileSync(path('patchbay.yaml'), 'utf8');
  const block = /^ {2}# docs:\n((?: {2}# .*\n)*)/m.exec(text)?.[1] ?? '';
  const keys = block.replace(/^ {2}# {3}/gm, '    ').replace(new RegExp(`^ {4}(${others.source}): .*\\n`, 'gm'), '');
  const load = (more: string) => {
    const source = `upstreams:\n  docs:\n    ${kind}\n${more}`;
    const result = parseConfig(source, { file: 'patchbay.yaml', env });
    return result.ok ? result.config.upstreams.docs : result.problems;
  };
  expect(keys).toMatch(/callMax: /);
  expect(load(keys)).toEqual(load(''));
});

test('patchbay.yaml mentions every key there is', () => {
  const text = readFileSync(path('patchbay.yaml'), 'utf8');
  const { properties = {}, $defs = {} } = configJsonSchema();
  const sections = [...Object.entries(properties), ...Object.entries($defs)];
  const keys = [
    ...Object.keys(properties).filter((key) => key !== '$schema'),
    ...sections.flatMap(([, section]) => Object.keys(section.properties ?? {})).filter((key) => key !== 'type'),
    ...Object.keys($defs.upstream?.properties?.timeouts?.properties ?? {}),
  ];
  expect(keys.length).toBeGreaterThan(40);
  expect(keys.filter((key) => !new RegExp(`\\b${key}\`?:`).test(text))).toEqual([]);
});
