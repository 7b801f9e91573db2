import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConfigWatch, type WatchTiming, watchConfig } from '../../src/config/watch.ts';

const QUICK: WatchTiming = { interval: 10, quiet: 20 };
const WAIT = { timeout: 10_000, interval: 10 };

let folder: string;
let file: string;
let secret: string;
/** What the first file held at each call. */
let told: string[];
let watch: ConfigWatch | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-watch-'));
  [file, secret] = [join(folder, 'patchbay.yaml'), join(folder, 'secret')];
  writeFileSync(file, 'one');
  writeFileSync(secret, 'hunter2');
  told = [];
});

afterEach(() => {
  watch?.stop();
  rmSync(folder, { recursive: true });
});

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
};

function begin(files = [file, secret], timing: WatchTiming | undefined = QUICK): void {
  watch = watchConfig(files, () => void told.push(textOf(files[0]!)), timing);
}

/** Waits until exactly these calls were made: what must not be told is followed by something that is. */
const expectTold = (...texts: string[]) => expect.poll(() => told, WAIT).toEqual(texts);

describe('a change is told', () => {
  test('of a file that is written in place', async () => {
    begin();
    writeFileSync(file, 'two');
    await expectTold('two');
    appendFileSync(file, ' and a half');
    await expectTold('two', 'two and a half');
  });

  test('of a file that is replaced by another, as editors do', async () => {
    begin();
    for (const text of ['two', 'six']) {
      writeFileSync(`${file}~`, text);
      renameSync(`${file}~`, file);
      await expect.poll(() => told.at(-1), WAIT).toBe(text);
    }
    expect(told).toEqual(['two', 'six']);
  });

  test('of a link whose folder is exchanged, as Kubernetes does with a ConfigMap', async () => {
    const mount = join(folder, 'mount');
    const put = (version: string, text: string) => {
      mkdirSync(join(mount, version), { recursive: true });
      writeFileSync(join(mount, version, 'patchbay.yaml'), text);
      symlinkSync(version, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    put('..1', 'one');
    symlinkSync(join('..data', 'patchbay.yaml'), join(mount, 'patchbay.yaml'));
    begin([join(mount, 'patchbay.yaml')]);
    put('..2', 'two');
    rmSync(join(mount, '..1'), { recursive: true });
    await expectTold('two');
  });

  test('of a second file as well', async () => {
    begin();
    writeFileSync(secret, 'hunter3');
    await expectTold('one');
  });

  test('of content that has the size and the time of the one before', async () => {
    begin();
    const { atime, mtime } = statSync(file);
    writeFileSync(file, 'two');
    utimesSync(file, atime, mtime);
    await expectTold('two');
  });

  test('of a file that goes, and of one that comes', async () => {
    begin();
    rmSync(file);
    await expectTold('ENOENT');
    writeFileSync(file, 'one');
    await expectTold('ENOENT', 'one');
  });

  test('when it comes between two configs that were read', async () => {
    begin();
    const first = watch!;
    writeFileSync(file, 'two');
    first.replace([file]);
    await expectTold('two');
  });

  test('within seconds, where nothing else is asked for', async () => {
    begin([file], undefined);
    writeFileSync(file, 'two');
    await expectTold('two');
  });
});

describe('nothing is told', () => {
  test('of a new time, or of the same content in another file', async () => {
    begin();
    utimesSync(file, 1, 1);
    writeFileSync(`${file}~`, 'one');
    renameSync(`${file}~`, file);
    await delay(10 * (QUICK.interval + QUICK.quiet));
    writeFileSync(file, 'two');
    await expectTold('two');
  });

  test('before a change rests: one call for many writes', async () => {
    begin([file], { interval: 10, quiet: 1_500 });
    for (let i = 0; i < 20; i++) {
      writeFileSync(file, `half-written ${i}`);
      await delay(20);
    }
    writeFileSync(file, 'whole');
    await expectTold('whole');
  });

  test('of files that are not watched any more; of new ones everything is', async () => {
    begin();
    const third = join(folder, 'third');
    watch!.replace([file, third]);
    writeFileSync(secret, 'hunter3');
    writeFileSync(third, 'there');
    await expectTold('one');
    writeFileSync(secret, 'hunter4');
    writeFileSync(third, 'and changed');
    await expectTold('one', 'one');
    writeFileSync(secret, 'hunter5');
    watch!.replace([file]);
    writeFileSync(third, 'and changed again');
    writeFileSync(file, 'two');
    await expectTold('one', 'one', 'two');
  });

  test('after the end', async () => {
    begin();
    const other: string[] = [];
    const second = watchConfig([file], () => void other.push('told'), QUICK);
    watch!.stop();
    writeFileSync(file, 'two');
    await expect.poll(() => other, WAIT).toEqual(['told']);
    second.stop();
    expect(told).toEqual([]);
  });
});

test('a file that never comes to rest is told of all the same, and does not hide others', async () => {
  begin([file, secret], { interval: 1, quiet: 5 });
  let n = 0;
  const restless = setInterval(() => writeFileSync(secret, `hunter${n++}`), 1);
  try {
    writeFileSync(file, 'two');
    await expect.poll(() => told, WAIT).toContain('two');
  } finally {
    clearInterval(restless);
  }
});

test('looks wait for what a change sets off', async () => {
  const { promise: reload, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  watch = watchConfig([file], () => (++calls === 1 ? reload : undefined), QUICK);
  writeFileSync(file, 'two');
  await expect.poll(() => calls, WAIT).toBe(1);
  writeFileSync(file, 'three');
  await delay(10 * (QUICK.interval + QUICK.quiet));
  expect(calls).toBe(1);
  resolve();
  await expect.poll(() => calls, WAIT).toBe(2);
});
