/** The `patchbay` command as a process: help, exit codes, what goes where. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunOptions, run } from './cli-process.ts';
import { ROOT } from './default-gateway.ts';
import { expectNoneMarked } from './processes.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function configFile(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('patchbay', () => {
  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('--help names every command, and each command its options', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}serve /m);
    expect(stdout).toMatch(/^ {2}validate /m);
    const { stdout: serve } = await run(['serve', '--help']);
    for (const option of ['--config', '--port', '--host', '--insecure']) expect(serve).toContain(option);
  });

  it('does not know other commands, and says what helps', async () => {
    const { code, stderr } = await run(['server']);
    expect(code).toBe(1);
    expect(stderr).toContain('Did you mean serve?');
  });
});

describe('patchbay validate', () => {
  it('ends with 0 for the default config and says what it found', async () => {
    const { code, stdout, stderr } = await run(['validate']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe('config/patchbay.yaml: valid, 4 upstreams\n');
  });

  it('ends with 1 and a line for each problem', async () => {
    const file = await configFile('bad.yaml', 'server: { port: 99999 }\nupstreams: { files: { comand: x } }\n');
    const { code, stdout } = await run(['validate', '--config', file]);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.find((line) => line.includes('server.port'))).toBeDefined();
    expect(lines.find((line) => line.includes('comand') && line.includes('command'))).toBeDefined();
  });

  it('ends with 1 when the file is not there, and names it', async () => {
    const { code, stdout } = await run(['validate', '--config', join(folder, 'none.yaml')]);
    expect(code).toBe(1);
    expect(stdout).toContain(join(folder, 'none.yaml'));
  });
});

describe('patchbay serve that cannot', () => {
  let taken: Server;
  let port: number;

  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    port = (taken.address() as { port: number }).port;
  });
  afterAll(() => new Promise((done) => taken.close(done)));

  it('ends with 1 when its port is in use, says how to go on, and leaves no upstream running', async () => {
    const file = await configFile('one.yaml', 'upstreams: { e: { command: mcp-server-everything, args: [stdio] } }\n');
    const { code, stdout, stderr } = await run(['serve', '--config', file, '--port', String(port)], {
      env: { TMPDIR: folder },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [line] = stderr.trimEnd().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ level: 'fatal', port, msg: expect.stringContaining('--port') });
    await expectNoneMarked(folder);
  });

  it('ends with 1 and the problem when its config is wrong', async () => {
    const file = await configFile('wrong.yaml', 'log: { level: loud }\n');
    const { code, stderr } = await run(['serve', '--config', file]);
    expect(code).toBe(1);
    expect(stderr).toContain('log.level');
  });

  it('ends with 1 when anyone could connect and nobody said that this is meant', async () => {
    const file = await configFile('open.yaml', 'upstreams: {}\n');
    const { code, stderr } = await run(['serve', '--config', file, '--port', '0', '--host', '0.0.0.0']);
    expect(code).toBe(1);
    expect(stderr).toContain('auth.mode');
    expect(stderr).toContain('insecure');
  });
});

describe('an old Node.js', () => {
  const pretended =
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})';
  const candidates: [string, RunOptions][] = [['a pretended one', { nodeArgs: ['--import', pretended] }]];
  for (const node of ['/usr/bin/node', '/usr/local/bin/node']) if (isOld(node)) candidates.push([node, { node }]);

  it.each(candidates)('is told what it takes, and the exit code is 1 (%s)', async (_, options) => {
    const { code, stdout, stderr } = await run(['serve'], options);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Node.js 22.19 or newer; this is 20.');
  });
});

/** Whether a Node.js is there that is older than Patchbay needs; its message names 20 only. */
function isOld(node: string): boolean {
  if (!existsSync(node)) return false;
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.startsWith('v20.');
}
