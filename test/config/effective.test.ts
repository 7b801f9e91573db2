/** What `patchbay config` prints: the settings that hold, where each is from, and no secret. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { effectiveConfig } from '../../src/config/effective.ts';
import { loadConfig } from '../../src/config/load.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-effective-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function printed(files: Readonly<Record<string, string>>, env: Record<string, string> = {}, defaults = false): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const loaded = loadConfig(join(folder, 'patchbay.yaml'), { env, overrides: { port: 9 } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return effectiveConfig(loaded.source, { file: 'patchbay.yaml', defaults }).replaceAll(folder, '<folder>');
}

test('names the file and line of every setting, and the option that wins over both', () => {
  const text = printed({
    'patchbay.yaml': 'server:\n  port: 1\n  host: 127.0.0.1\nupstreams:\n  a: { command: run, args: [x, "y z"] }\n',
    'conf.d/10.yaml': 'server: { host: "::1" }\npolicy:\n  - allow: ["a/*"]\n',
    'conf.d/20.yaml': '\nmcpServers: { b: { url: http://b/mcp } }\npolicy: [{ deny: [b/c], users: [ada] }]\n',
  });
  expect(text).toBe(`server:
  host: ::1  # <folder>/conf.d/10.yaml:1
  port: 9  # --port
upstreams:
  a:
    command: run  # patchbay.yaml:5
    args: [x, y z]  # patchbay.yaml:5
mcpServers:
  b:
    url: http://b/mcp  # <folder>/conf.d/20.yaml:2
policy:
  -  # <folder>/conf.d/10.yaml:3
    allow: [a/*]  # <folder>/conf.d/10.yaml:3
  -  # <folder>/conf.d/20.yaml:3
    deny: [b/c]  # <folder>/conf.d/20.yaml:3
    users: [ada]  # <folder>/conf.d/20.yaml:3
`);
});

test('shows placeholders for what filled them, and nothing of what may be a secret', () => {
  const env = { TOKEN: 'hunter2', PORT_NAME: 'x', ID: 'hunter3' };
  const text = printed(
    {
      'patchbay.yaml': `
storage: { key: hunter2-hunter2-hunter2-hunter2-hunter2 }
auth:
  mode: introspection
  introspection: [{ issuer: https://i.example, clientId: "\${env:ID}", clientSecret: hunter2 }]
secrets: { folders: [. ] }
upstreams:
  a:
    url: https://h/mcp?code=hunter2
    headers: { Authorization: "Bearer \${env:TOKEN}", X-A: hunter2, X-B: "hunter2\${env:TOKEN}", X-C: "\${secret:file}" }
  b:
    command: run
    args: [--token, hunter2, "--api-key=hunter2", --verbose, "\${env:TOKEN:-hunter2}"]
    env: { PASS: hunter2, PLAIN: "\${env:TOKEN}" }
    items: { tools: { t: { arguments: { apiKey: { value: hunter2 }, region: { value: eu } } } } }
`,
      file: 'hunter2',
    },
    env,
  );
  expect(text).not.toContain('hunter');
  const { upstreams, auth, storage } = parse(text);
  expect(storage.key).toBe('(not shown)');
  expect(auth.introspection[0]).toMatchObject({ clientId: '${env:ID}', clientSecret: '(not shown)' });
  expect(upstreams.a).toEqual({
    url: '(not shown)',
    headers: {
      Authorization: 'Bearer ${env:TOKEN}',
      'X-A': '(not shown)',
      'X-B': '(not shown)',
      'X-C': '${secret:file}',
    },
  });
  expect(upstreams.b.args).toEqual(['--token', '(not shown)', '(not shown)', '--verbose', '${env:TOKEN}']);
  expect(upstreams.b.items.tools.t.arguments).toEqual({ apiKey: { value: '(not shown)' }, region: { value: 'eu' } });
  expect(upstreams.b.env).toEqual({ PASS: '(not shown)', PLAIN: '${env:TOKEN}' });
});

test('with defaults it is a config that means the same', () => {
  const text = printed({ 'patchbay.yaml': 'upstreams: { a: { command: run }, b: { url: http://b/mcp } }\n' }, {}, true);
  expect(text).toMatch(/^ {2}keepAlive: 20s {2}# default$/m);
  expect(text).toMatch(/^ {6}call: 5m {2}# default$/m);
  const again = join(folder, 'again.yaml');
  writeFileSync(again, text);
  const before = loadConfig(join(folder, 'patchbay.yaml'), { env: {}, overrides: { port: 9 } });
  const after = loadConfig(again, { env: {} });
  expect(after.ok && after.config).toEqual(before.ok && before.config);
});
