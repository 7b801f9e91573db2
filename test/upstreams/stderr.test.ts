import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { logStderr } from '../../src/upstreams/stderr.ts';
import { memoryLog } from './memory-log.ts';

/** The log after a child wrote this on stderr. */
function logged(...chunks: (string | Buffer)[]): Readonly<Record<string, unknown>>[] {
  const { log, lines } = memoryLog();
  const stream = new PassThrough();
  logStderr(stream, log);
  // a stream that flows hands on what is written at once
  stream.resume();
  for (const chunk of chunks) stream.emit('data', Buffer.from(chunk));
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

test('a credential at the cut of a shortened line does not slip through in part', () => {
  const line = `${'x'.repeat(1_985)} token=abcdefghijklmnopqrstuvwxyz`;
  expect(text(line)).not.toContain('abcdef');
});

test('bytes that are no text do no harm', () => {
  expect(logged(Buffer.of(0xff, 0xfe, 0x41, 0x0a))).toMatchObject([{ stderr: '\ufffd\ufffdA' }]);
});
