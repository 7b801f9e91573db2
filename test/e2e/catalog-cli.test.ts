/** `patchbay catalog`: what it prints, where it has it from, and what it leaves behind. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { startGateway } from '../fixtures/gateway.ts';
import { Session } from '../gateway/client.ts';
import { type ScriptedUpstream, startUpstream } from '../gateway/scripted-upstream.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { run } from './cli-process.ts';
import { expectNoneMarked } from './processes.ts';

const schema = (more: object = {}) => ({ type: 'object', ...more });
const TOOLS = [
  {
    name: 'read',
    title: 'Read it',
    description: 'Reads.\nSlowly.',
    annotations: { readOnlyHint: true },
    inputSchema: schema(),
  },
  {
    name: 'wipe',
    description: 'x'.repeat(3_000),
    annotations: { destructiveHint: true },
    inputSchema: schema({ anyOf: [] }),
  },
  { name: `a_very_long_name_${'o'.repeat(50)}`, inputSchema: schema() },
];

let folder: string;
let upstream: ScriptedUpstream;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-catalog-'));
  config = join(folder, 'patchbay.yaml');
  upstream = await startUpstream({ tools: TOOLS, prompts: [{ name: 'p' }], resources: [{ uri: 'a://b', name: 'b' }] });
  const items = { tools: { read: { name: 'look' } } };
  await writeConfig({ up: { url: upstream.url, items }, peer: stdioPeer('note', { TMPDIR: folder }) });
});

afterAll(async () => {
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

const writeConfig = (upstreams: object, more: object = {}) =>
  writeFile(config, stringify({ upstreams, profiles: { some: { include: ['up/read'] } }, ...more }));
const catalog = (...args: string[]) => run(['catalog', '--config', config, ...args]);

describe('of a config', () => {
  test('it prints what clients will see, item by item, with totals and warnings, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await catalog('--upstream', 'up');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Tools: 3, about \d,?\d+ tokens\n\nNAME +UPSTREAM +TOKENS +HINTS +SAYS\n/);
    expect(stdout).toMatch(/^up__look +up +\d+ +reads +Read it: Reads\.$/m);
    expect(stdout).toMatch(/^up__wipe +up +\d+ +destroys +x{59}…$/m);
    expect(stdout).toMatch(/^up__a_very_long_name_o+_[a-z2-7]{8} /m);
    expect(stdout).toMatch(/^Prompts: 1, /m);
    expect(stdout).toMatch(/^a:\/\/b +up /m);
    const warnings = stdout.split('\n').filter((line) => line.startsWith('- '));
    expect(warnings).toEqual([
      expect.stringMatching(/^- up__wipe: its description has 3000 characters.*2048 is cut off by Claude$/),
      expect.stringMatching(/^- up__wipe: its description has 3000 characters.*1024 may be refused by ChatGPT$/),
      expect.stringMatching(/^- up__wipe: its inputSchema has anyOf at its root/),
      expect.stringMatching(/^- up__a_very.*: its name has 64 characters, Claude takes 49: /),
      expect.stringMatching(/^- up__a_very.*: its name has 64 characters, Cursor takes 52: /),
      expect.stringMatching(/^- up__a_very.*: it has no description/),
    ]);
  });

  test('for one host, as JSON', async () => {
    const { code, stdout } = await catalog('--upstream', 'up', '--host', 'vscode', '--json');
    expect(code).toBe(0);
    const printed = JSON.parse(stdout) as { items: Record<string, unknown>[]; totals: object; warnings: string[] };
    expect(printed.items[0]).toEqual({
      kind: 'tools',
      name: 'up__look',
      upstream: 'up',
      upstreamName: 'read',
      title: 'Read it',
      description: 'Reads.\nSlowly.',
      annotations: { readOnlyHint: true },
      tokens: expect.any(Number),
    });
    expect(printed.totals).toMatchObject({
      tools: { items: 3 },
      prompts: { items: 1 },
      resourceTemplates: { items: 0, tokens: 0 },
    });
    expect(printed.warnings).toHaveLength(2);
    expect(printed).toMatchObject({ upstreams: [{ upstream: 'up' }], missing: [] });
  });

  test('what a profile selects', async () => {
    const { stdout } = await catalog('--profile', 'some', '--json');
    expect((JSON.parse(stdout) as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual(['up__look']);
    expect((await catalog('--profile', 'none')).stderr).toBe(
      'there is no profile none; the profiles are default, some\n',
    );
  });

  test('without one, what /mcp has', async () => {
    const own = join(folder, 'own.yaml');
    const profiles = { default: { exclude: ['up/wipe'] } };
    await writeFile(own, stringify({ upstreams: { up: { url: upstream.url } }, profiles }));
    const { stdout } = await run(['catalog', '--config', own, '--json']);
    const names = (JSON.parse(stdout) as { items: { name: string }[] }).items.map(({ name }) => name);
    expect(names).toContain('up__read');
    expect(names).not.toContain('up__wipe');
  });

  test('processes that were started for it are gone at its end', async () => {
    const { code, stdout } = await catalog('--upstream', 'peer');
    expect(code).toBe(0);
    expect(stdout).toContain('peer__whoami');
    await expectNoneMarked(folder);
  });

  test('names that hosts take, where the config asks for them', async () => {
    await writeConfig({ up: { url: upstream.url } }, { names: { hosts: ['claude', 'cursor'], server: 'tools' } });
    const { stdout } = await catalog('--fresh', '--json');
    const { items, warnings } = JSON.parse(stdout) as { items: { kind: string; name: string }[]; warnings: string[] };
    const longest = Math.max(...items.filter(({ kind }) => kind === 'tools').map(({ name }) => name.length));
    // a sole upstream is prefixed as well
    expect(longest).toBe(64 - 'mcp__tools__'.length);
    expect(warnings.filter((line) => line.includes('its name'))).toEqual([]);
    const gateway = await startGateway({
      config: { upstreams: { up: { url: upstream.url } }, names: { hosts: ['claude', 'cursor'], server: 'tools' } },
    });
    const served = await (await Session.open(gateway.url)).names();
    expect(served).toEqual(items.filter(({ kind }) => kind === 'tools').map(({ name }) => name));
    await gateway.stop();
  });
});

describe('what cannot be told', () => {
  test('an upstream that is not there: the others are printed, and the exit code says that it is not all', async () => {
    await writeConfig({ up: { url: upstream.url }, gone: { url: 'http://127.0.0.1:9/mcp' } });
    const { code, stdout } = await catalog();
    expect(code).toBe(2);
    expect(stdout).toContain('up__read');
    expect(stdout).toMatch(/^What gone has is not known: .+/m);
  });

  test('an upstream that is none', async () => {
    const { code, stderr } = await catalog('--upstream', 'pu');
    expect([code, stderr]).toEqual([1, 'there is no upstream pu; did you mean up?\n']);
  });

  test('a config with a problem', async () => {
    await writeFile(config, 'upstreams: { a: {} }\n');
    const { code, stderr } = await catalog();
    expect(code).toBe(1);
    expect(stderr).toContain('has neither `command` nor `url`');
  });
});

test('more tools than a host in names.hosts takes: the log says so', async () => {
  const many = await startUpstream({
    tools: Array.from({ length: 81 }, (_, i) => ({ name: `t${i}`, description: 'x', inputSchema: schema() })),
  });
  const gateway = await startGateway({
    config: { upstreams: { many: { url: many.url } }, names: { hosts: ['cursor', 'vscode'] } },
  });
  const line = await gateway.waitForLog(({ msg }) => msg === 'a host in names.hosts takes fewer tools');
  expect(line.problem).toBe('81 tools are more than the 80 that Cursor takes: it warns');
  await gateway.stop();
  await many.close();
});
