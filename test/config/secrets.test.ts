import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { placeholderTexts } from '../../src/config/secrets.ts';

/** What is remembered of each upstream of this config. */
function remembered(text: string, env: Record<string, string>, folder = '/'): Record<string, readonly string[]> {
  const result = parseConfig(text, { file: join(folder, 'patchbay.yaml'), env });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return Object.fromEntries(
    Object.entries(result.config.upstreams).map(([name, upstream]) => [name, placeholderTexts(upstream)]),
  );
}

test('what placeholders put into an upstream is known for that upstream, whatever key it is under', () => {
  const text = `
upstreams:
  a:
    command: run
    args: [--token, "\${env:ONE}"]
    env: { KEY: "x-\${env:TWO}-\${env:THREE:-a default}" }
mcpServers:
  b: { url: "http://h/mcp?key=\${env:ONE}", headers: { Authorization: "Bearer \${env:TWO}" } }
servers:
  c: { command: run }
log: { level: "\${env:LEVEL}" }
`;
  expect(remembered(text, { ONE: '1', TWO: '2', LEVEL: 'debug' })).toEqual({
    a: ['1', '2', 'a default'],
    b: ['1', '2'],
    c: [],
  });
});

test('a file is as good as a variable, and its text is kept as it is, port or not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-secrets-'));
  try {
    writeFileSync(join(folder, 'key'), 'a key with ${port} in it\n');
    const text = 'upstreams: { a: { command: run, env: { KEY: "${file:key}" } } }';
    expect(remembered(text, {}, folder)).toEqual({ a: ['a key with ${port} in it'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('folders and the variables that all processes get are no secrets', () => {
  const text = `
upstreams:
  a: { command: "\${env:BIN}", cwd: "\${env:WORK}", args: ["\${env:HOME}/data", "\${env:KEY}"] }
`;
  expect(remembered(text, { BIN: '/bin/x', WORK: '/work', HOME: '/home/me', KEY: 'k' })).toEqual({ a: ['k'] });
});
