/** `patchbay explain` as a process: what it says of an item, and that the gateway then does just that. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { startGateway } from '../fixtures/gateway.ts';
import { Session } from '../gateway/client.ts';
import { type ScriptedUpstream, startUpstream, tool } from '../gateway/scripted-upstream.ts';
import { type Run, run } from './cli-process.ts';

let folder: string;
let docs: ScriptedUpstream;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-explain-'));
  docs = await startUpstream({
    tools: [
      { ...tool('search'), annotations: { readOnlyHint: true } },
      tool('delete_all'),
      tool('secret'),
      tool('find'),
    ],
    prompts: [{ name: 'search' }],
    resources: [{ uri: 'doc:///open', name: 'open' }],
    resourceTemplates: [{ uriTemplate: 'doc:///page/{id}', name: 'page' }],
  });
  writeFileSync(
    join(folder, 'patchbay.yaml'),
    stringify({
      auth: {
        mode: ['embedded', 'apiKeys'],
        embedded: { users: 'users.yaml' },
        scopes: { rules: [{ methods: ['tools/call'], items: ['delete_*'], scopes: ['docs:delete'] }] },
      },
      upstreams: {
        docs: { url: docs.url, items: { tools: { secret: { hide: true }, find: { name: 'look' } } } },
        off: { command: 'run', enabled: false },
      },
      profiles: { research: { include: ['docs/search', 'docs/doc:///open'] } },
      policy: [
        { name: 'engineers', allow: ['docs'], groups: ['eng'] },
        { allow: ['docs'], readOnly: true },
        { name: 'deleting', deny: ['*/delete_*'], unless: { groups: ['admins'] } },
      ],
    }),
  );
  writeFileSync(join(folder, 'users.yaml'), 'users: { ann: { groups: [eng] } }\n');
});
afterAll(async () => {
  await docs?.close();
  rmSync(folder, { recursive: true, force: true });
});

const explain = (...words: string[]): Promise<Run> =>
  run(['explain', ...words, '--config', join(folder, 'patchbay.yaml')], {
    env: { STATE_DIRECTORY: join(folder, 'state') },
  });

describe('from the upstreams', () => {
  test('a name may stand for a tool and a prompt', async () => {
    const { code, stdout, stderr } = await explain('docs__search', '--as', 'guest');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`docs__search: tool search of upstream docs
  profile  default: selected, since everything is
  policy   allowed by policy[1]
  scopes   none needed
Guest may use it at /mcp.

docs__search: prompt search of upstream docs
  profile  default: selected, since everything is
  policy   not allowed: no rule says so
  scopes   none needed
For guest it is not there at /mcp: it is not listed, and to use it is an error as for any unknown name.
`);
  });

  test('the groups of a user are those of the file', async () => {
    const { code, stdout } = await explain('doc:///open', '--as', 'ann', '--profile', 'research');
    expect(code).toBe(0);
    expect(stdout).toBe(`doc:///open: resource doc:///open of upstream docs
  profile  research: selected by profiles.research.include "docs/doc:///open"
  policy   allowed by policy[0] "engineers"
  scopes   none needed
Ann in eng may use it at /mcp/research.
`);
  });

  test('a rule that denies, and scopes that are missing', async () => {
    const denied = await explain('docs/delete_all', '--as', 'ann');
    expect(denied.code).toBe(1);
    expect(denied.stdout).toContain('policy   not allowed, because of policy[2] "deleting"');
    const asked = await explain('docs__delete_all', '--as', 'ann', '--group', 'eng', '--group', 'admins');
    expect(asked.code).toBe(1);
    expect(asked.stdout).toContain('scopes   needs docs:delete; missing docs:delete');
    expect(asked.stdout).toContain(
      'Ann in eng, admins sees it at /mcp, and is asked for the scope docs:delete to use it.',
    );
    const all = ['--as', 'ann', '--group', 'eng', '--group', 'admins', '--scope', 'docs:delete'];
    expect((await explain('docs__delete_all', ...all)).code).toBe(0);
  });

  test('a URI that nobody lists', async () => {
    const { stdout } = await explain('doc:///page/7', '--as', 'ann');
    expect(stdout).toContain('doc:///page/7: resource doc:///page/7 of upstream docs, which does not list it\n');
  });

  test('items that the config hides or renames', async () => {
    const hidden = await explain('docs__secret', '--as', 'ann');
    expect(hidden.code).toBe(1);
    expect(hidden.stdout).toContain('hidden   by `hide` in upstreams.docs.items\n');
    const renamed = await explain('docs__find', '--as', 'ann');
    expect(renamed.stdout).toMatch(/^docs__look: tool find of upstream docs\n/);
  });

  test('as JSON', async () => {
    const { code, stdout } = await explain('docs__delete_all', '--as', 'ann', '--profile', 'research', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      name: 'docs__delete_all',
      as: { user: 'ann', groups: ['eng'], scopes: [] },
      profile: 'research',
      items: [
        {
          kind: 'tool',
          exposed: 'docs__delete_all',
          upstream: 'docs',
          upstreamName: 'delete_all',
          listed: true,
          profile: { name: 'research', path: '/mcp/research', selected: false },
          policy: { allowed: false, rule: 'policy[2] "deleting"' },
          scopes: { needed: ['docs:delete'], missing: ['docs:delete'] },
          hidden: false,
          visible: false,
          usable: false,
        },
      ],
      nearest: [],
      missing: [],
    });
  });

  test.each([
    ['docs__serch', 'Nearest: docs__search\n'],
    ['delete_all', 'Nearest: docs__delete_all\n'],
  ])('%s is unknown, and the nearest names are told', async (name, nearest) => {
    const { code, stdout } = await explain(name);
    expect({ code, stdout }).toEqual({ code: 1, stdout: `Nothing is called ${name}.\n${nearest}` });
  });

  test('it keeps nothing', () => expect(existsSync(join(folder, 'state'))).toBe(false));
});

test.each([
  ['a profile that there is not', ['docs__search', '--profile', 'reserch'], /did you mean research\?/],
  ['a claim without a value', ['docs__search', '--claim', 'x'], /write name=value/],
])('%s cannot be told of', async (_, words, message) => {
  const { code, stdout, stderr } = await explain(...words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('what the gateway keeps is used, and it does what was explained', async () => {
  const state = join(folder, 'kept');
  const config = stringify({
    server: { port: 0 },
    auth: { mode: 'none' },
    upstreams: { docs: { url: docs.url } },
    policy: [{ allow: ['docs'], readOnly: true, users: ['anonymous'] }],
  });
  const file = join(folder, 'kept.yaml');
  writeFileSync(file, config);
  const gateway = await startGateway({ config, env: { STATE_DIRECTORY: state } });
  const session = await Session.open(gateway.url);
  expect(await session.names()).toEqual(['docs__search']);
  await gateway.stop();
  const before = docs.received.length;
  const told = (name: string) => run(['explain', name, '--config', file], { env: { STATE_DIRECTORY: state } });
  expect((await told('docs__search')).stdout).toContain('Anonymous may use it at /mcp.');
  expect((await told('docs__delete_all')).code).toBe(1);
  expect(docs.received.length).toBe(before);
  const asked = await run(['explain', 'docs__search', '--fresh', '--config', file], {
    env: { STATE_DIRECTORY: state },
  });
  expect([asked.code, docs.received.length > before]).toEqual([0, true]);
});

test('an upstream that cannot be asked is named', async () => {
  const file = join(folder, 'gone.yaml');
  writeFileSync(file, 'upstreams: { gone: { command: no-such-command } }\n');
  const { code, stdout } = await run(['explain', 'gone__x', '--config', file], {
    env: { STATE_DIRECTORY: join(folder, 'none') },
  });
  expect(code).toBe(2);
  expect(stdout).toMatch(/^Nothing is called gone__x\.\nWhat gone has is not known: cannot start "no-such-command"/);
});
