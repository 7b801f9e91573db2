import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askHidden, askNewPassword, firstLine } from '../../src/commands/ask-password.ts';

/** A terminal that is typed at as soon as it is read. */
function terminal(...typed: string[]) {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
  const output = new PassThrough();
  let shown = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  for (const text of typed) input.write(text);
  return { input, output, raw, shown: () => shown };
}

test('what is typed is not shown, and the terminal is as it was', async () => {
  const one = terminal('correct ', 'horse', '\r');
  expect(await askHidden(one, 'Password: ')).toBe('correct horse');
  expect(one.shown()).toBe('Password: \n');
  expect(one.raw).toEqual([true, false]);
});

test.each([
  ['abd\u007fc\r', 'abc'],
  ['\u007f\u007fabc\r', 'abc'],
  ['nonsense\u0015abc\n', 'abc'],
  ['a\u001b\u0007bc\r', 'abc'],
  ['é😀x\u007f\r', 'é😀'],
])('%j is %j', async (typed, password) => expect(await askHidden(terminal(typed), '')).toBe(password));

test.each(['abc\u0003', '\u0004'])('%j breaks off', async (typed) => {
  const one = terminal(typed);
  await expect(askHidden(one, '')).rejects.toThrow('broken off');
  expect(one.raw.at(-1)).toBe(false);
});

test('the end of what is typed breaks off', async () => {
  const one = terminal('abc');
  one.input.end();
  await expect(askHidden(one, '')).rejects.toThrow('broken off');
});

test('a new password is asked for twice, also when both were typed ahead', async () => {
  expect(await askNewPassword(terminal('correct horse\rcorrect horse\r'), 'ann')).toBe('correct horse');
  expect(await askNewPassword(terminal('correct horse\r\n', 'correct horse\r\n'), 'ann')).toBe('correct horse');
  await expect(askNewPassword(terminal('correct horse\rcorrect hearse\r'), 'ann')).rejects.toThrow('different');
});

test('without one, it is asked once', async () => {
  const one = terminal('\r');
  expect(await askNewPassword(one, 'ann')).toBeUndefined();
  expect(one.shown().match(/:/g)).toHaveLength(2);
});

test.each([
  ['correct horse\nmore\n', 'correct horse'],
  ['correct horse\r\n', 'correct horse'],
  [' correct horse ', ' correct horse '],
])('of %j, the first line is %j', async (text, line) => {
  const input = new PassThrough();
  input.end(text);
  expect(await firstLine(input)).toBe(line);
});
