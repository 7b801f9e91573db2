/** What is edited between the moment in which the config is loaded and that in which it is watched. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Reloader } from '../../src/commands/reload.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'patchbay-reload-'));
const file = join(folder, 'patchbay.yaml');
let reloader: Reloader | undefined;
afterEach(() => {
  reloader?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('an edit made while Patchbay starts is not lost', async () => {
  writeFileSync(file, 'names: { separator: "-" }\n');
  const loaded = loadConfig(file, { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  writeFileSync(file, 'names: { separator: "_" }\n');
  const applied: Config[] = [];
  const log = createLogger({ level: 'error', format: 'json' });
  reloader = new Reloader({ files: [file], overrides: {}, loaded, log, apply: (config) => applied.push(config) });
  await vi.waitFor(() => expect(applied.map(({ names }) => names.separator)).toEqual(['_']));
});
