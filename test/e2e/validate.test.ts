/** `patchbay validate` in CI form, with a live check, and `patchbay config`. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startUpstream, tool } from '../gateway/scripted-upstream.ts';
import { run } from './cli-process.ts';
import { expectNoneMarked } from './processes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-validate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeFile(join(folder, name), text);
  return join(folder, name);
}
const json = async (args: readonly string[]) => {
  const { code, stdout, stderr } = await run(['validate', '--json', ...args]);
  expect(stderr).toBe('');
  return { code, answer: JSON.parse(stdout) };
};

describe('the environment', () => {
  it('counts as it does for the gateway', async () => {
    const main = await file('env/patchbay.yaml', 'auth: { mode: none }\nupstreams: { a: { command: run } }\n');
    expect((await run(['validate', '--config', main])).code).toBe(0);
    const { code, stdout } = await run(['validate', '--config', main], { env: { PATCHBAY_HOST: '0.0.0.0' } });
    expect(code).toBe(1);
    expect(stdout).toContain('auth.mode');
  });
});

describe('the pins', () => {
  it('are read: without them Patchbay does not start', async () => {
    const main = await file('pins/patchbay.yaml', 'pins: { file: p.json }\nupstreams: { a: { command: run } }\n');
    expect(await json(['--config', main])).toMatchObject({ code: 0 });
    await file('pins/p.json', '{');
    const { code, answer } = await json(['--config', main]);
    expect({ code, answer }).toMatchObject({ code: 1, answer: { valid: false, problems: [{ path: 'pins.file' }] } });
  });
});

describe('the users', () => {
  const auth = 'auth: { mode: MODE, embedded: { users: people.yaml } }\nupstreams: { a: { command: run } }\n';

  it('are read where they sign in at Patchbay: problems are told with their place', async () => {
    const main = await file('users/patchbay.yaml', auth.replace('MODE', 'embedded'));
    const people = await file('users/people.yaml', 'users:\n  ann:\n    password: hunter22\n  Bob: {}\n');
    const { code, stdout } = await run(['validate', '--config', main]);
    expect(code).toBe(1);
    expect(stdout).toBe(
      `${people}:3:5 users.ann.password: the password is no scrypt hash; delete this line and run \`patchbay user passwd NAME\`\n` +
        `${people}:4:3 users.Bob: "Bob" is not in lower case; write bob; it may be typed either way\n`,
    );
    const { answer } = await json(['--config', main]);
    expect(answer).toMatchObject({
      valid: false,
      problems: [{ file: people, line: 3, severity: 'error' }, { line: 4 }],
    });
  });

  it('do not matter where nobody signs in, and need not be there', async () => {
    await file('users/people.yaml', 'users: [');
    const keys = await file('users/keys.yaml', auth.replace('MODE', 'apiKeys'));
    expect(await json(['--config', keys])).toMatchObject({ code: 0 });
    const none = await file('nobody/patchbay.yaml', auth.replace('MODE', 'embedded'));
    expect(await json(['--config', none])).toMatchObject({ code: 0, answer: { valid: true, problems: [] } });
  });
});

describe('patchbay validate --json', () => {
  it('has the same shape for everything that is wrong, with the file it is in', async () => {
    const main = await file('bad/patchbay.yaml', 'server: { port: 99999 }\nupstreams: { a: { command: run } }\n');
    const part = await file('bad/conf.d/a.yaml', 'log:\n  level: loud\n');
    expect(await json(['--config', main])).toEqual({
      code: 1,
      answer: {
        valid: false,
        files: [main, part],
        problems: [
          {
            file: main,
            line: 1,
            column: 11,
            path: 'server.port',
            message: '99999 is more than 65535',
            mend: 'write a whole number from 0 to 65535',
            severity: 'error',
          },
          {
            file: part,
            line: 2,
            column: 3,
            path: 'log.level',
            message: '"loud" is not one of trace, debug, info, warn, error',
            mend: expect.any(String),
            severity: 'error',
          },
        ],
      },
    });
  });

  it('has null for what does not apply', async () => {
    const none = join(folder, 'none.yaml');
    const { code, answer } = await json(['--config', none]);
    expect(code).toBe(1);
    expect(answer.problems).toEqual([
      expect.objectContaining({ file: none, line: null, column: null, path: '', message: 'the file does not exist' }),
    ]);
  });

  it('ends with 0 for warnings, and with 1 for them with --strict', async () => {
    const text = 'upstreams: { a: { url: http://h/mcp, headers: { X-Api-Key: written-out } } }\n';
    const config = await file('warned.yaml', text);
    const { code, answer } = await json(['--config', config]);
    expect({ code, valid: answer.valid }).toEqual({ code: 0, valid: true });
    expect(answer.problems).toMatchObject([{ severity: 'warning', path: 'upstreams.a.headers.X-Api-Key', line: 1 }]);
    expect(await json(['--config', config, '--strict'])).toMatchObject({ code: 1, answer: { valid: false } });
  });
});

describe('patchbay validate --connect', () => {
  const tiny = '{ command: sh, args: [test/fixtures/tiny-upstream.sh] }';

  it('tells what each upstream is or why it cannot be used, with 2, and leaves nothing running', {
    timeout: 30_000,
  }, async () => {
    const remote = await startUpstream({ tools: [tool('far'), tool('away')] });
    try {
      const config = await file(
        'live.yaml',
        `upstreams:\n  tiny: ${tiny}\n  far: { url: "${remote.url}" }\n  gone: { command: no-such-command }\n` +
          '  refused: { url: http://127.0.0.1:9/mcp }\n' +
          `  dead: { command: sh, args: [-c, "echo no key \${env:DEAD_KEY} >&2; exit 3"] }\n` +
          '  off: { command: no-such-command, enabled: false }\n',
      );
      const env = { TMPDIR: folder, DEAD_KEY: 'hunter2-hunter2' };
      const { code, stdout } = await run(['validate', '--connect', '--json', '--config', config], { env });
      expect(code).toBe(2);
      const { valid, upstreams } = JSON.parse(stdout);
      expect(valid).toBe(true);
      const failed = (words: RegExp) => ({ ok: false, error: expect.stringMatching(words) });
      const items = { prompts: 0, resources: 0, resourceTemplates: 0 };
      const time = { opened: expect.any(Number), listed: expect.any(Number) };
      expect(upstreams).toEqual([
        {
          upstream: 'tiny',
          ok: true,
          era: 'legacy',
          protocol: '2025-11-25',
          server: 'tiny',
          version: '1.0.0',
          items: { ...items, tools: 1 },
          ...time,
        },
        expect.objectContaining({ upstream: 'far', ok: true, items: { ...items, tools: 2 } }),
        { upstream: 'gone', ...failed(/no such command on PATH/) },
        { upstream: 'refused', ...failed(/nobody listens at its address/) },
        { upstream: 'dead', ...failed(/3/) },
      ]);
      expect(stdout).not.toContain('hunter2');
      await expectNoneMarked(folder);
    } finally {
      await remote.close();
    }
  });

  it('is a table for people, and 0 where all can be used', async () => {
    const config = await file('one.yaml', `upstreams: { tiny: ${tiny} }\n`);
    const { code, stdout } = await run(['validate', '--connect', '--config', config]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^tiny {6}legacy 2025-11-25 {2}tiny 1\.0\.0: 1 tools; open after \d+ ms, listed after \d+ ms$/m,
    );
  });

  it('starts nothing where the config has problems', async () => {
    const config = await file('wrong.yaml', `upstreams: { tiny: ${tiny}, a: {} }\n`);
    const { code, answer } = await json(['--connect', '--config', config]);
    expect({ code, upstreams: answer.upstreams }).toEqual({ code: 1, upstreams: undefined });
  });
});

describe('patchbay config', () => {
  it('prints what holds of several files, or the problems', async () => {
    const one = await file('c/one.yaml', 'upstreams: { a: { command: run } }\nlog: { level: warn }\n');
    const two = await file('c/two.yaml', 'log: { level: error }\n');
    const { code, stdout } = await run(['config', '-c', one, '-c', two, '--written']);
    expect(code).toBe(0);
    expect(parse(stdout)).toEqual({ upstreams: { a: { command: 'run' } }, log: { level: 'error' } });
    expect(stdout).toContain(`  level: error  # ${two}:1\n`);
    expect((await run(['config', '-c', one])).stdout).toContain('  format: auto  # default\n');
    const bad = await run(['config', '-c', join(folder, 'no.yaml')]);
    expect(bad).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('does not exist') });
  });
});
