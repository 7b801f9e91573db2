import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problems.ts';

const folder = mkdtempSync(join(tmpdir(), 'patchbay-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

function loaded(text: string, env: Record<string, string> = {}) {
  const result = parseConfig(text, { file: join(folder, 'patchbay.yaml'), env });
  if (!result.ok) throw new Error(result.problems.map((problem) => formatProblem(problem, 'patchbay.yaml')).join('\n'));
  return result.config;
}

function lines(file: string): string[] {
  const result = loadConfig(file, { env: {} });
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem, 'patchbay.yaml'));
}

test('reads a file, and placeholders start in its folder', () => {
  const file = join(folder, 'with-secret.yaml');
  mkdirSync(join(folder, 'secrets'), { recursive: true });
  writeFileSync(join(folder, 'secrets', 'token'), 'hunter2\n');
  writeFileSync(file, `upstreams: { a: { command: run, env: { TOKEN: "\${file:secrets/token}" } } }\n`);
  const result = loadConfig(file, { env: {} });
  expect(result).toMatchObject({ ok: true, file, config: { upstreams: { a: { env: { TOKEN: 'hunter2' } } } } });
});

test('a missing file says how to make one', () => {
  expect(lines(join(folder, 'missing.yaml'))).toEqual([
    'patchbay.yaml: the file does not exist; copy config/examples/minimal.yaml (a `mcpServers` block of a Claude, ' +
      'Cursor or VS Code file will do as well), or name another file with --config',
  ]);
});

test('a folder is not a file', () => {
  expect(lines(folder)).toEqual(['patchbay.yaml: this is a folder; name the file in it with --config']);
});

test('a byte order mark and Windows line ends are read', () => {
  expect(loaded('\uFEFFlog:\r\n  level: debug\r\n').log.level).toBe('debug');
});

test('text that is nested too deeply is a problem and no crash', () => {
  for (const text of ['['.repeat(10_000), `${'['.repeat(10_000)}${']'.repeat(10_000)}`]) {
    expect(parseConfig(text, { file: 'patchbay.yaml', env: {} })).toMatchObject({
      ok: false,
      problems: [{ message: 'the file is too complex', mend: 'nest it less deeply' }],
    });
  }
});

test('the config is frozen all the way down', () => {
  const config = loaded('upstreams: { a: { command: run, args: [x] } }');
  const thaw: unknown[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) thaw.push(value);
    Object.values(value).forEach(walk);
  };
  walk(config);
  expect(thaw).toEqual([]);
  expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError);
});

test('the config is plain data: JSON holds all of it', () => {
  const config = loaded('upstreams: { a: { command: run }, b: { url: "https://mcp.example.com/mcp" } }');
  expect(JSON.parse(JSON.stringify(config))).toEqual(config);
});

test('an upstream that nobody named is not there, whatever its name', () => {
  const { upstreams } = loaded('upstreams: { a: { command: run } }');
  expect(upstreams.constructor).toBeUndefined();
  expect(upstreams.toString).toBeUndefined();
  expect(({} as Record<string, unknown>).command).toBeUndefined();
});

test('upstreams keep the order of the file', () => {
  const { upstreams } = loaded('upstreams: { z: { command: run }, a: { command: run }, m: { command: run } }');
  expect(Object.keys(upstreams)).toEqual(['z', 'a', 'm']);
});

test('the environment is not read beyond what is named', () => {
  const env = new Proxy({ TOKEN: 'x' } as Record<string, string>, {
    getOwnPropertyDescriptor(target, name) {
      if (name !== 'TOKEN') throw new Error(`read ${String(name)}`);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  });
  expect(loaded(`upstreams: { a: { command: "\${env:TOKEN}" } }`, env).upstreams.a).toMatchObject({ command: 'x' });
});

test('two loads of one text give equal and separate configs', () => {
  const text = 'upstreams: { a: { command: run } }';
  expect(loaded(text)).toEqual(loaded(text));
  expect(loaded(text)).not.toBe(loaded(text));
});

test('names every file that it has read, or would have: those are the ones to watch', () => {
  const file = join(folder, 'names-files.yaml');
  mkdirSync(join(folder, 'named'), { recursive: true });
  writeFileSync(join(folder, 'named', 'there'), 'hunter2');
  const confD = join(folder, 'conf.d');
  const filesOf = (text: string) => {
    writeFileSync(file, text);
    const { ok, files } = loadConfig(file, { env: {} });
    return { ok, files };
  };
  const upstream = (env: string) => `upstreams: { a: { command: run, env: { ${env} } } }\n`;
  const there = '"${file:named/there}"';
  expect(filesOf(upstream(`A: ${there}, B: ${there}`))).toEqual({
    ok: true,
    files: [file, confD, join(folder, 'named', 'there')],
  });
  expect(filesOf(`${upstream(`A: ${there}, B: "\${file:/no/such/file}"`)}nonsense: 1`)).toEqual({
    ok: false,
    files: [file, confD, join(folder, 'named', 'there'), '/no/such/file'],
  });
  expect(filesOf('a: [')).toEqual({ ok: false, files: [file, confD] });
  expect(loadConfig('no/such.yaml', { env: {} })).toMatchObject({
    ok: false,
    files: [join(process.cwd(), 'no/such.yaml'), join(process.cwd(), 'no/conf.d')],
  });
});

test('names the files of conf.d and every place that a secret could be in', () => {
  const dir = join(folder, 'several');
  const at = (...names: string[]) => join(dir, ...names);
  mkdirSync(at('conf.d'), { recursive: true });
  writeFileSync(at('patchbay.yaml'), 'secrets: { folders: [one, two] }\n');
  writeFileSync(at('conf.d', 'a.yaml'), 'upstreams: { a: { url: http://a/mcp, headers: { A: "${secret:key}" } } }\n');
  writeFileSync(at('more.yaml'), 'log: { level: warn }\n');
  mkdirSync(at('two'));
  writeFileSync(at('two', 'key'), 'k');
  const given = [at('patchbay.yaml'), at('more.yaml')];
  const configFiles = [at('patchbay.yaml'), at('conf.d', 'a.yaml'), at('more.yaml')];
  expect(loadConfig(given, { env: {} })).toMatchObject({
    ok: true,
    file: at('patchbay.yaml'),
    configFiles,
    files: [...configFiles, at('conf.d'), at('one', 'key'), at('two', 'key')],
    config: { upstreams: { a: { headers: { A: 'k' } } }, log: { level: 'warn' } },
  });
});
