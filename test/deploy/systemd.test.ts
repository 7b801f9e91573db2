/** The unit, its config and what it starts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runTool, testWith } from '../tools.ts';
import { checkConfig, checkGrace } from './checks.ts';
import { load, ROOT, read, secretsIn } from './files.ts';

describe('deploy/systemd', () => {
  const unit = read('deploy/systemd/patchbay.service');
  const setting = (name: string): string[] => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((m) => m[1]!);

  test('has a config that is valid, and reads the secret where systemd puts it', () => {
    const config = read('deploy/systemd/patchbay.yaml');
    checkConfig(config);
    const [name] = setting('LoadCredential')[0]!.split(':');
    expect(secretsIn(config)).toEqual([name]);
    checkGrace(Number(setting('TimeoutStopSec')[0]), config);
  });

  test('starts files that are there', () => {
    const named = [...unit.matchAll(/\/opt\/patchbay\/(\S+)/g)].map((m) => m[1]!);
    const kept = named.filter((path) => !/^(dist|node_modules)\//.test(path));
    expect(kept).toContain('deploy/systemd/wait-until-ready.mjs');
    for (const path of kept) expect(existsSync(join(ROOT, path)), path).toBe(true);
    expect(setting('ExecStart')).toEqual([
      '/usr/bin/env node /opt/patchbay/dist/cli.js serve --config /etc/patchbay/patchbay.yaml',
    ]);
  });

  test('asks for readiness where the gateway listens', () => {
    const loaded = load(read('deploy/systemd/patchbay.yaml'));
    if (!loaded.ok) throw new Error('the config does not load');
    expect(setting('Environment')).toContain(`PORT=${loaded.config.server.port}`);
  });

  test('refuses system calls without killing for them: Node.js tries some that it can do without', () => {
    expect(setting('SystemCallFilter')).toEqual(['@system-service', '~@privileged']);
    expect(setting('SystemCallErrorNumber')).toEqual(['EPERM']);
  });

  testWith(['systemd-analyze'], 'is understood by systemd, and exposed little', () => {
    const file = join(ROOT, 'deploy/systemd/patchbay.service');
    const verified = runTool('systemd-analyze', ['verify', file]);
    expect(verified).toEqual({ code: 0, output: '', stdout: '' });
    const judged = runTool('systemd-analyze', ['security', '--offline=yes', '--threshold=15', file]);
    expect(judged).toMatchObject({ code: 0 });
  });
});
