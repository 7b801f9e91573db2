/** Every key of the config, edited in a running gateway: the log says of it what the reference says. */
import { renameSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { type JsonSchema, schemaAt } from '../../src/config/json-schema-node.ts';
import { configReference, schemaKeys } from '../../src/config/reference.ts';
import { type LogLine, startGateway } from '../fixtures/gateway.ts';

type Tree = Record<string, unknown>;

const ISSUER = 'https://login.example.com';
const rule = { scopes: ['a'] };
const one = () => ({ title: 'One' });
const withArgument = () => ({ ...one(), arguments: { one: { description: 'One' } } });

const BASE = {
  server: { port: 0 },
  auth: {
    mode: ['embedded', 'jwt', 'introspection'],
    scopes: { rules: [rule] },
    jwt: [{ issuer: ISSUER }],
    introspection: [{ issuer: 'https://other.example.com', clientId: 'me', clientSecret: 'secret' }],
    embedded: { federation: { issuer: 'https://people.example.com', clientId: 'me' } },
  },
  upstreams: {
    process: {
      ...{ command: 'never-started', enabled: false },
      items: {
        tools: { one: withArgument() },
        prompts: { one: withArgument() },
        resources: { one: one() },
        resourceTemplates: { one: one() },
      },
    },
    server: { url: 'https://docs.example.com/mcp', enabled: false },
  },
  profiles: { lab: { include: ['*'] } },
  policy: [{ allow: ['*'], unless: { users: ['nobody'] } }],
  lists: {},
};

/** Another value for each key whose schema does not say what it may be; by the end of the key where that is enough. */
const VALUES: Readonly<Record<string, unknown>> = {
  'server.host': 'localhost',
  'server.publicUrl': 'https://mcp.example.com',
  'server.allowedHosts': ['mcp.example.com'],
  'server.allowedOrigins': ['https://app.example.com'],
  'server.trustProxy': ['10.0.0.5'],
  'auth.mode': ['embedded', 'apiKeys'],
  'auth.scopes.includes': { admin: ['a'] },
  'auth.jwt[].algorithms': ['ES256'],
  'auth.jwt[].types': ['at+jwt'],
  'auth.embedded.users': 'others.yaml',
  'auth.embedded.federation.domains': ['example.com'],
  'auth.allowAddresses': ['10.1.0.0/16'],
  'upstreams.*.enabled': true,
  'upstreams.*.command': 'another',
  'upstreams.*.env': { A: 'b' },
  'upstreams.*.inheritEnv': ['A'],
  'upstreams.*.headers': { A: 'b' },
  'policy[].claims': { team: ['a'] },
  'policy[].unless.claims': { team: ['a'] },
  'policy[].allow': ['process/*'],
  'policy[].deny': ['process/*'],
  'policy[].kinds': ['tools'],
  'profiles.*.include': ['process/*'],
  'profiles.*.exclude': ['process/*'],
  'names.separator': '-',
  'names.server': 'gateway',
  'upstreams.*.timeouts.callMax': '2h',
  'upstreams.*.items.tools.*.name': 'other',
  'upstreams.*.items.prompts.*.name': 'other',
  'names.hosts': ['cursor'],
  'pins.file': 'pins.json',
  'storage.key': '0123456789abcdef0123456789abcdef',
  'storage.folder': 'elsewhere',
  'secrets.folders': ['secrets'],
};
/** By the last part of the key. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  scopes: ['b'],
  required: ['b'],
  methods: ['tools/call'],
  upstreams: ['process'],
  items: ['read'],
  issuer: 'https://new.example.com',
  jwksUri: 'https://new.example.com/keys',
  endpoint: 'https://new.example.com/introspect',
  url: 'https://new.example.com/mcp',
  audience: ['https://new.example.com'],
  args: ['x'],
  users: ['ada'],
  groups: ['a'],
  clients: ['a'],
  issuers: [ISSUER],
  profiles: ['lab'],
  value: 'fixed',
};
const schema = configJsonSchema();
const keys = schemaKeys();
/** Those that Patchbay does not read, other names of `upstreams`, and what follows from the other keys. */
const WITHOUT_EFFECT = ['$schema', 'mcpServers', 'servers', 'upstreams.*.type'];
const settings = keys.filter(
  (key) =>
    !WITHOUT_EFFECT.includes(key) &&
    !keys.some((other) => /^[.[]/.test(other.slice(key.length)) && other.startsWith(key)),
);

/** The path of a key in the config: the names and entries that stand for all. */
function pathOf(key: string): (string | number)[] {
  const upstream = /^upstreams\.\*\.(url|headers|transport)$/.test(key) ? 'server' : 'process';
  const path: (string | number)[] = [];
  for (const part of key.split('.')) {
    const name = part.replace('[]', '');
    path.push(name !== '*' ? name : path.length > 1 ? 'one' : path[0] === 'profiles' ? 'lab' : upstream);
    if (part.endsWith('[]')) path.push(0);
  }
  return path;
}

/** Another value than the default. */
function anotherFor(key: string, node: JsonSchema | undefined): unknown {
  if (Object.hasOwn(VALUES, key)) return VALUES[key];
  const text = node?.type === 'string' && node.pattern === undefined && node.enum === undefined;
  const name = key.split('.').at(-1)!.replace('[]', '');
  if (/\.claims\./.test(key) || (text && !Object.hasOwn(BY_NAME, name))) return 'another';
  if (key === 'auth.embedded.federation.groups') return 'another';
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name];
  const about = String(node?.description ?? '');
  if (/Seconds, or text such as/.test(about)) return '77s';
  if (/Bytes, or text such as/.test(about)) return '3MiB';
  if ([node?.type].flat().includes('boolean')) return node?.default !== true;
  if (/rate$/.test(key)) return '7/1m';
  const choices = [node, ...(node?.anyOf ?? [])].find((one) => Array.isArray(one?.enum))?.enum as unknown[] | undefined;
  if (choices) return choices.find((one) => one !== node?.default && one !== 'none');
  return typeof node?.default === 'number' ? node.default + 1 : 7;
}

function edited(key: string): Tree {
  const config = structuredClone(BASE) as Tree;
  const path = pathOf(key);
  let at = config as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as typeof at;
  }
  at[path.at(-1)!] = anotherFor(key, schemaAt(schema, path));
  // one of the two, not both
  if (key === 'policy[].deny') delete at.allow;
  if (key.endsWith('.value')) delete at.description;
  return config;
}

/** What the reference says of a key. */
function claimOf(key: string): 'at once' | 'at the next start' {
  const [section = ''] = key.split(/[.[]/);
  const [, head = ''] = configReference().split(`\n## ${section}\n`);
  const said = head.slice(0, head.indexOf('|'));
  if (said.includes('Changes take effect at the next start.')) return 'at the next start';
  const [, later = ''] = /Changes take effect at once(?:, but for those of (.*), which wait)?/.exec(said) ?? [];
  expect(said).toContain('Changes take effect at once');
  const waiting = [...later.matchAll(/`([^`]+)`/g)].map(([, name]) => `${section}.${name}`);
  return waiting.some((one) => key === one || key.startsWith(`${one}.`)) ? 'at the next start' : 'at once';
}

/** What a change of a key is called in the log: lists are told as a whole. */
const toldAs = (key: string): string =>
  pathOf(key)
    .slice(0, pathOf(key).indexOf(0) < 0 ? undefined : pathOf(key).indexOf(0))
    .join('.');

let logs: readonly LogLine[] = [];
/** Keys whose edit was in no line. */
const untold: string[] = [];

const APPLIED = 'config applied';
const LATER = 'these changes take effect at the next start';
const HELD = 'these changes wait with them, so that no half of an edit decides who is let in';

/** The edits that a line of the log is about, of all there were. */
const linesOf = (msg: string, from: readonly LogLine[] = logs): string[] =>
  from.filter((line) => line.msg === msg).flatMap(({ changes }) => changes as string[]);

const isAbout = (path: string) => (line: string) =>
  line === path || line.startsWith(`${path}:`) || line.startsWith(`${path}.`);

beforeAll(async () => {
  const gateway = await startGateway({ config: BASE });
  try {
    // those first that are never applied, so that none is taken back together with another
    const late = (key: string) => claimOf(key) === 'at the next start';
    for (const key of [...settings.filter(late), ...settings.filter((one) => !late(one))]) {
      const before = gateway.logs.length;
      // in one piece: the gateway may still look at the edit before
      writeFileSync(`${gateway.configPath}.new`, stringify(edited(key)));
      renameSync(`${gateway.configPath}.new`, gateway.configPath);
      process.kill(gateway.pid, 'SIGHUP');
      const told = () => {
        const news = gateway.logs.slice(before);
        const isTold = [APPLIED, LATER].some((msg) => linesOf(msg, news).some(isAbout(toldAs(key))));
        return isTold || news.some(({ problems }) => problems !== undefined);
      };
      await vi.waitUntil(told, { timeout: 5_000, interval: 10 }).catch(() => untold.push(key));
    }
    logs = [...gateway.logs];
  } finally {
    await gateway.stop();
  }
}, 240_000);

test('each edit is right, and none is a bug', () => {
  const wrong = logs.filter(({ msg }) => String(msg).startsWith('config not applied'));
  expect(wrong.map(({ problems, err }) => problems ?? err)).toEqual([]);
  expect(untold).toEqual([]);
});

test('what takes effect at once is applied, and asks for no restart', () => {
  const live = settings.filter((key) => claimOf(key) === 'at once');
  expect(live.length).toBeGreaterThan(100);
  const wrong = live.filter((key) => {
    const about = isAbout(toldAs(key));
    return !linesOf(APPLIED).some(about) || linesOf(LATER).some(about) || linesOf(HELD).some(about);
  });
  expect(wrong).toEqual([]);
});

test('what waits for the next start says so, and is not applied', () => {
  const later = settings.filter((key) => claimOf(key) === 'at the next start');
  expect(later.length).toBeGreaterThan(25);
  const wrong = later.filter((key) => {
    const about = isAbout(toldAs(key));
    return !linesOf(LATER).some(about) || linesOf(APPLIED).some(about);
  });
  expect(wrong).toEqual([]);
});
