/** `patchbay import` as people use it: find the files, take them over, validate, serve. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { startGateway } from '../fixtures/gateway.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { type Run, run } from './cli-process.ts';
import { ROOT } from './default-gateway.ts';

const SERVER = join(ROOT, 'test/fixtures/tiny-upstream.sh');
const server = (more: object = {}) => ({ command: 'sh', args: [SERVER], ...more });

let home: string;
let found: readonly string[];
const inHome = (args: readonly string[]): Promise<Run> => run(args, { env: { HOME: home, XDG_CONFIG_HOME: '' } });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'patchbay-home-'));
  const files: Readonly<Record<string, object>> = {
    '.config/Claude/claude_desktop_config.json': {
      mcpServers: { one: server({ env: { API_TOKEN: 'hunter2-hunter2' } }) },
    },
    '.claude.json': { mcpServers: {}, projects: { '/p': { mcpServers: { two: server({ type: 'stdio' }) } } } },
    '.cursor/mcp.json': { mcpServers: { three: server(), one: server({ disabled: true }) } },
    '.config/Code/User/mcp.json': {
      inputs: [{ id: 'key', password: true }],
      servers: { four: server({ env: { K: '${input:key}' } }) },
    },
    '.codeium/windsurf/mcp_config.json': { mcpServers: { five: server({ alwaysAllow: [] }) } },
  };
  found = Object.keys(files).map((file) => join(home, file));
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, file)), { recursive: true });
    await writeFile(join(home, file), `// of the app\n${JSON.stringify(content, null, 2)}\n`);
  }
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('patchbay import', () => {
  it('lists what it finds, takes nothing over by itself, and says what to do next', async () => {
    const { code, stdout, stderr } = await inHome(['import']);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split('  (')[0]).sort()).toEqual([...found].sort());
    expect(stdout).toContain('(Claude Code: two)');
    expect(stderr).toContain('patchbay import FILE');
  });

  it('says that there is nothing, where nothing is', async () => {
    const empty = join(home, 'empty');
    const { code, stdout, stderr } = await run(['import', '--all'], { env: { HOME: empty, XDG_CONFIG_HOME: '' } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('name one');
  });

  it('ends with 1 for a file that it cannot read', async () => {
    const { code, stdout, stderr } = await inHome(['import', join(home, 'none.json')]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('none.json: the file does not exist');
  });

  it('leaves secrets out, unless told to keep them', async () => {
    const [file = ''] = found;
    expect((await inHome(['import', file])).stdout).not.toContain('hunter2');
    expect((await inHome(['import', file, '--keep-secrets'])).stdout).toContain('hunter2');
  });

  it('writes a config that is valid and can be served', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await inHome(['import', '--all']);
    expect(code).toBe(0);
    expect(stderr).toBe('6 upstreams from 5 files; the comments at the top name 2 variables to set\n');
    const config = join(home, 'imported.yaml');
    await writeFile(config, stdout);
    const env = { API_TOKEN: 'a', KEY: 'b' };
    const checked = await run(['validate', '--config', config], { env });
    expect(checked).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('valid, 6 upstreams, 1 of them disabled'),
    });
    const gateway = await startGateway({
      config: stringify({ server: { port: 0 }, lists: { firstWait: '60s' }, ...parse(stdout) }),
      env,
    });
    try {
      const client = await RawClient.open(gateway.url);
      const { tools } = (await client.request('tools/list')).result as { tools: { name: string }[] };
      expect(tools.map(({ name }) => name)).toEqual(['one__pid', 'two__pid', 'three__pid', 'four__pid', 'five__pid']);
    } finally {
      await gateway.stop();
    }
  });

  it('leaves out what it found and cannot read, and takes over the rest', async () => {
    const bad = join(home, '.cursor/mcp.json');
    const before = await readFile(bad, 'utf8');
    await writeFile(bad, '{ "mcpServers": { "three": ');
    try {
      const { code, stdout, stderr } = await inHome(['import', '--all']);
      expect(code).toBe(0);
      expect(Object.keys(parse(stdout).upstreams)).toEqual(['one', 'two', 'four', 'five']);
      expect(stderr).toMatch(/mcp\.json:\d+:\d+: .*\(left out\)\n4 upstreams from 4 files;/);
    } finally {
      await writeFile(bad, before);
    }
  });

  it('is needed for what Patchbay does not read itself: the blocks of the others are taken as they are', async () => {
    const plain = join(home, '.config/Claude/claude_desktop_config.json');
    const json = join(home, 'plain.json');
    await writeFile(json, JSON.stringify(parse((await inHome(['import', plain])).stdout)));
    const asTheyAre = { mcpServers: { a: server({ type: 'stdio' }) }, servers: { b: server() } };
    await writeFile(json, JSON.stringify(asTheyAre));
    expect((await run(['validate', '-c', json])).stdout).toContain('valid, 2 upstreams');
    const { code, stdout } = await run(['validate', '-c', join(home, '.codeium/windsurf/mcp_config.json')]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/YAML|patchbay import/);
  });
});
