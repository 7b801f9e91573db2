/** A folder among the files that are watched: which files it holds, and whether they are being written. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConfigWatch, watchConfig } from '../../src/config/watch.ts';

const QUICK = { interval: 10, quiet: 100 };
const WAIT = { timeout: 10_000, interval: 10 };

let folder: string;
let watched: string;
let calls: number;
let watch: ConfigWatch;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-watch-'));
  watched = join(folder, 'conf.d');
  calls = 0;
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true });
});

const begin = (onChange: () => void = () => {}) => {
  const told = () => {
    calls++;
    onChange();
  };
  watch = watchConfig([watched], told, QUICK);
};
const expectCalls = (n: number) => expect.poll(() => calls, WAIT).toBe(n);

test('a file that comes, one that is renamed and one that goes', async () => {
  mkdirSync(watched);
  begin();
  writeFileSync(join(watched, 'a.yaml'), 'one');
  await expectCalls(1);
  renameSync(join(watched, 'a.yaml'), join(watched, 'b.yml'));
  await expectCalls(2);
  rmSync(join(watched, 'b.yml'));
  await expectCalls(3);
});

test('the folder itself comes and goes', async () => {
  begin();
  mkdirSync(watched);
  await expectCalls(1);
  rmSync(watched, { recursive: true });
  await expectCalls(2);
});

test('a new file is told of when it is no longer written', async () => {
  mkdirSync(watched);
  const file = join(watched, 'a.yaml');
  let read = '';
  begin(() => {
    read = readFileSync(file, 'utf8');
  });
  writeFileSync(file, '');
  for (const piece of ['upstreams:\n', '  a:\n', '    command: run\n']) {
    await delay(QUICK.quiet / 4);
    appendFileSync(file, piece);
  }
  await expectCalls(1);
  expect(read).toBe('upstreams:\n  a:\n    command: run\n');
});

test('what is no config file is not told of', async () => {
  mkdirSync(watched);
  begin();
  for (const name of ['.a.yaml.swp', '.b.yaml', 'c.yaml~', 'README.md']) writeFileSync(join(watched, name), 'x');
  await delay(5 * (QUICK.interval + QUICK.quiet));
  expect(calls).toBe(0);
  writeFileSync(join(watched, 'c.yaml'), 'x');
  await expectCalls(1);
});

test('a folder whose files are links that are exchanged together, as Kubernetes does with a ConfigMap', async () => {
  const put = (version: string, text: string) => {
    mkdirSync(join(watched, version), { recursive: true });
    writeFileSync(join(watched, version, 'a.yaml'), text);
    symlinkSync(version, join(watched, '..data_tmp'));
    renameSync(join(watched, '..data_tmp'), join(watched, '..data'));
  };
  put('..1', 'one');
  symlinkSync(join('..data', 'a.yaml'), join(watched, 'a.yaml'));
  let read = '';
  begin(() => {
    read = readFileSync(join(watched, 'a.yaml'), 'utf8');
  });
  put('..2', 'another');
  await expectCalls(1);
  expect(read).toBe('another');
});
