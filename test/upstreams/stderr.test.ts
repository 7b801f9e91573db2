import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Launcher } from '../../src/upstreams/launcher.ts';
import { Redactor } from '../../src/upstreams/redact.ts';
import { logStderr } from '../../src/upstreams/stderr.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { nodeProcess, stdioSpec } from './specs.ts';

/** A stream that is logged. */
function logging(secrets: readonly string[] = []): {
  emit(chunk: string | Buffer): void;
  readonly lines: LogLine[];
  words(): readonly string[];
} {
  const { log, lines } = memoryLog();
  const stream = new PassThrough();
  const words = logStderr(stream, log, new Redactor(secrets));
  // what is written to a stream comes later
  return { emit: (chunk) => void stream.emit('data', Buffer.from(chunk)), lines, words };
}

/** The log after a child wrote this on stderr. */
function logged(...chunks: (string | Buffer)[]): readonly LogLine[] {
  const { emit, lines } = logging();
  for (const chunk of chunks) emit(chunk);
  return lines;
}

const text = (line: string): unknown => logged(`${line}\n`)[0]?.stderr;

describe('what looks like a credential is masked', () => {
  test.each([
    ['Authorization: Bearer eyJhbGciOi.J9.abc', /eyJ/],
    ['authorization=token ghp_0123456789', /ghp_/],
    ['{"authorization":"Basic dXNlcjpwYXNz"}', /dXNl/],
    ['using bearer abcdef123456', /abcdef/],
    ['Basic dXNlcjpwYXNz', /dXNl/],
    ['token=ghp_0123456789', /ghp_/],
    ['API_KEY="sk-0123456789"', /sk-/],
    ['api-key: 0123456789', /0123/],
    ['apikey=0123456789', /0123/],
    ["{'password': 'hunter22'}", /hunter/],
    ['{"client_secret":"s3cr3tvalue"}', /s3cr/],
    ['passwd = correcthorse', /horse/],
    ['GITHUB_TOKEN=abc123def456 and more', /abc123/],
    ['first token=aaaaaaaa second token=bbbbbbbb', /aaaa|bbbb/],
  ])('%s', (line, secret) => {
    expect(text(line)).toMatch(/\[redacted\]/);
    expect(text(line)).not.toMatch(secret);
  });

  test.each(['3 tokens used', 'the token expired', 'Listening on port 8080', 'secret: no'])('but not %j', (line) =>
    expect(text(line)).toBe(line),
  );

  test('what follows a credential stays', () => {
    expect(text('token=abcdefgh, retrying in 5 s')).toBe('token=[redacted], retrying in 5 s');
  });
});

test('every line is one log line at debug, whatever the chunks', () => {
  const lines = logged('first\nsec', 'ond\r\n', '\nthi', 'rd');
  expect(lines.map((l) => l.stderr)).toEqual(['first', 'second']);
  expect(lines.every((l) => l.level === 20 && l.msg === 'upstream stderr')).toBe(true);
});

test('terminal control sequences are taken out, so that a log is safe to look at', () => {
  expect(text('\u001b[32mgreen\u001b[0m \u001b[2J\u0007\u0000bell\u007f\ttab')).toBe('green bell\ttab');
});

test('long lines are shortened, endless ones dropped with their size', () => {
  expect(String(text('x'.repeat(5_000)))).toHaveLength(2_000);
  const lines = logged(Buffer.alloc(40_000, 'y'), Buffer.alloc(40_000, 'y'), '\nshort\n');
  expect(lines).toMatchObject([
    { bytes: 80_000, msg: 'upstream stderr: dropped an overlong line' },
    { stderr: 'short' },
  ]);
});

describe('more than a log can take', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const numbered = (from: number, count: number): string =>
    Array.from({ length: count }, (_, i) => `line ${from + i}\n`).join('');
  const texts = (lines: readonly LogLine[]): unknown[] => lines.flatMap(({ stderr }) => stderr ?? []);

  test('is left out for the rest of the second, and counted in one line', () => {
    const { emit, lines } = logging();
    emit(numbered(0, 1_000));
    expect(texts(lines)).toHaveLength(200);
    emit('x'.repeat(70_000));
    emit('x\nthe end of a li');
    vi.advanceTimersByTime(1_000);
    expect(lines.at(-1)).toMatchObject({
      level: 20,
      lines: 800,
      bytes: 70_017,
      msg: expect.stringContaining('too much'),
    });
    emit('ne\nfirst\nsecond\n');
    expect(texts(lines).slice(200)).toEqual(['first', 'second']);
    vi.advanceTimersByTime(5_000);
    expect(lines).toHaveLength(203);
  });

  test('costs no line that comes whole after it', () => {
    const { emit, lines } = logging();
    emit(numbered(0, 201));
    vi.advanceTimersByTime(1_000);
    emit('first\n');
    emit(numbered(0, 201));
    emit('dropped\n');
    vi.advanceTimersByTime(1_000);
    emit('second\n');
    expect(texts(lines).filter((each) => !/^line/.test(String(each)))).toEqual(['first', 'second']);
  });

  test('leaves what belongs to a second to that second', () => {
    const { emit, lines } = logging();
    for (let second = 0; second < 5; second++) {
      emit(numbered(200 * second, 200));
      vi.advanceTimersByTime(1_000);
    }
    expect(texts(lines)).toHaveLength(1_000);
    expect(lines).toHaveLength(1_000);
  });

  test('does not hide the last words, whatever came before', () => {
    const { emit, words } = logging();
    expect(words()).toEqual([]);
    emit('one\ntwo');
    expect(words()).toEqual(['one', 'two']);
    for (let i = 0; i < 100; i++) emit(numbered(100 * i, 100));
    emit('\n\n  \nError: no token=abcdef123456\r\n    at main.js:1\nbye');
    expect(words()).toEqual([
      ...[9_993, 9_994, 9_995, 9_996, 9_997, 9_998, 9_999].map((n) => `line ${n}`),
      'Error: no token=[redacted]',
      '    at main.js:1',
      'bye',
    ]);
  });
});

test('a process that floods stderr is slowed down, and costs next to nothing', async () => {
  const { log, lines } = memoryLog();
  const flood = `const line = 'a line of a hundred bytes with a token=abcdef1234567890 in it, written over and over again, ha!\\n';
    const much = line.repeat(10_000);
    for (;;) require('node:fs').writeSync(2, much);`;
  const spec = stdioSpec({ ...nodeProcess('raw-upstream'), args: ['-e', flood] });
  const { child, lastWords } = await new Launcher(spec, log).start();
  const [memory, since] = [process.memoryUsage.rss(), performance.now()];
  const before = process.cpuUsage();
  const summaries = (): LogLine[] => lines.filter(({ msg }) => /left out/.test(String(msg)));
  await expect.poll(() => summaries().length, { timeout: 15_000, interval: 100 }).toBeGreaterThan(2);
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - since;
  await child.stop(0);
  // a second holds 16 MiB at most, and one chunk more
  for (const { bytes } of summaries()) expect(Number(bytes)).toBeLessThan(18 * 1024 * 1024);
  expect(lines.filter(({ stderr }) => stderr !== undefined).length).toBeLessThanOrEqual(
    200 * Math.ceil(ms / 1_000 + 1),
  );
  expect(lines.filter(({ msg }) => /read slowly/.test(String(msg)))).toHaveLength(1);
  expect((user + system) / 1_000 / ms, 'the part of one processor that it took').toBeLessThan(0.5);
  expect(process.memoryUsage.rss() - memory).toBeLessThan(100 * 1024 * 1024);
  expect(lastWords().length).toBeGreaterThan(0);
  expect(lastWords().join()).not.toContain('abcdef');
});

test('a credential at the cut of a shortened line does not slip through in part', () => {
  const line = `${'x'.repeat(1_985)} token=abcdefghijklmnopqrstuvwxyz`;
  expect(text(line)).not.toContain('abcdef');
});

test('bytes that are no text do no harm', () => {
  expect(logged(Buffer.of(0xff, 0xfe, 0x41, 0x0a))).toMatchObject([{ stderr: '\ufffd\ufffdA' }]);
});
