/** The key of a folder, made by several at once. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const VAULT = new URL('../../src/storage/vault.ts', import.meta.url).href;

/** Waits for the same moment as the others, makes or reads the key, and prints what a text is indexed under. */
const SCRIPT = `
const { openVault } = await import(process.argv[1]);
while (Date.now() < Number(process.argv[3]));
const log = { warn: (_, text) => console.log(text) };
console.log(openVault(process.argv[2], undefined, log).index('a text'));
`;

test('processes that begin at the same time have the same key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-vault-'));
  try {
    const at = String(Date.now() + 1_500);
    const all = await Promise.all(
      Array.from({ length: 4 }, () =>
        run(process.execPath, ['--input-type=module', '-e', SCRIPT, VAULT, folder, at]).then(({ stdout }) => stdout),
      ),
    );
    expect(new Set(all).size, all.join('')).toBe(1);
    expect(all[0]).toMatch(/^[\w-]{43}\n$/);
    expect(readdirSync(folder), 'nothing else is left').toEqual(['secret.key']);
    expect(statSync(join(folder, 'secret.key')).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
