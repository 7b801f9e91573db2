/** What a child process writes on stderr goes to the log, line by line, bounded. */
import type { Readable } from 'node:stream';
import type { Logger } from '../telemetry/log.ts';
import { LineSplitter } from './lines.ts';

const LONGEST_LINE = 64 * 1024;
const LONGEST_LOGGED = 2_000;

/** Logs at `info`: an upstream's stderr is its only way to tell the admin something. */
export function logStderr(stream: Readable, log: Logger): void {
  const lines = new LineSplitter(
    (line) => log.info({ stderr: clean(line) }, 'upstream stderr'),
    LONGEST_LINE,
    (bytes) => log.info({ bytes }, 'upstream stderr: dropped an overlong line'),
  );
  stream.on('data', (chunk: Buffer) => lines.push(chunk));
}

/** Shortened, without terminal control sequences, and with what looks like a credential masked. */
function clean(line: Buffer): string {
  return line
    .toString('utf8', 0, Math.min(line.length, LONGEST_LOGGED))
    .replace(CONTROL, '')
    .replace(CREDENTIAL, '$1[redacted]');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
const CONTROL = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
const CREDENTIAL =
  /((?:bearer|basic)\s+|(?:token|secret|password|passwd|api[-_]?key|authorization)["']?\s*[=:]\s*["']?(?:(?:bearer|basic|token)\s+)?)[^\s"',;]{6,}/gi;
