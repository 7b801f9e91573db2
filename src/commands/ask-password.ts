/** Passwords from a person: typed on a terminal without being shown, or the first line of stdin. */
import type { Readable, Writable } from 'node:stream';
import { CommandProblem } from './places.ts';

/** Where a person is asked. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  /** Questions go here. */
  readonly output: Writable;
}

const LONGEST = 4_096;

/** Asks one question; what is typed is not shown. @throws CommandProblem when it is broken off with Ctrl-C or Ctrl-D */
export function askHidden({ input, output }: Terminal, question: string): Promise<string> {
  output.write(question);
  input.setRawMode?.(true);
  input.setEncoding('utf8');
  return new Promise<string>((resolve, reject) => {
    let typed: string[] = [];
    const finish = (end: () => void): void => {
      input.off('data', take);
      input.off('end', brokenOff);
      input.setRawMode?.(false);
      input.pause();
      output.write('\n');
      end();
    };
    const brokenOff = (): void => finish(() => reject(new CommandProblem('broken off; nothing was changed')));
    const take = (text: string): void => {
      const keys = [...text];
      for (const [i, key] of keys.entries()) {
        if (key === '\r' || key === '\n') {
          const rest = keys
            .slice(i + 1)
            .join('')
            .replace(/^\n/, '');
          return finish(() => {
            // what came with it is typed ahead: it answers the next question
            if (rest !== '') input.unshift(rest);
            resolve(typed.join(''));
          });
        }
        if (key === '\u0003' || key === '\u0004') return brokenOff();
        if (key === '\u007f' || key === '\b') typed.pop();
        else if (key === '\u0015') typed = [];
        else if (key >= ' ' && typed.length < LONGEST) typed.push(key);
      }
    };
    input.on('data', take);
    input.once('end', brokenOff);
    input.resume();
  });
}

/**
 * Asks for a new password, twice.
 * @returns `undefined` when none was typed
 * @throws CommandProblem when the two are different
 */
export async function askNewPassword(terminal: Terminal, user: string): Promise<string | undefined> {
  const first = await askHidden(terminal, `New password for ${user} (nothing: one is made up): `);
  if (first === '') return undefined;
  const second = await askHidden(terminal, 'The same again: ');
  if (first !== second) throw new CommandProblem('the two are different; nothing was changed');
  return first;
}

/** The first line of a stream. @throws CommandProblem when it is empty */
export async function firstLine(input: Readable): Promise<string> {
  let text = '';
  input.setEncoding('utf8');
  for await (const part of input) {
    text += part;
    if (text.includes('\n') || text.length > LONGEST) break;
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw new CommandProblem('no password came on stdin');
  return line;
}
