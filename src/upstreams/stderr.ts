/** What a child process writes on stderr goes to the log, line by line, bounded. */
import type { Readable } from 'node:stream';
import type { Logger } from '../telemetry/log.ts';
import { LineSplitter } from './lines.ts';

const LONGEST_LINE = 64 * 1024;
const LONGEST_LOGGED = 2_000;

/** Lines kept to be shown when the process ends unexpectedly. */
const LAST_WORDS = 10;

/**
 * Logs at `debug`, since many servers write a line for every request.
 * @returns the last lines so far, for the log entry that tells that the process is gone
 */
export function logStderr(stream: Readable, log: Logger): () => readonly string[] {
  const last: string[] = [];
  const lines = new LineSplitter(
    (line) => {
      const stderr = clean(line);
      log.debug({ stderr }, 'upstream stderr');
      last.push(stderr);
      if (last.length > LAST_WORDS) last.shift();
    },
    LONGEST_LINE,
    (bytes) => log.debug({ bytes }, 'upstream stderr: dropped an overlong line'),
  );
  stream.on('data', (chunk: Buffer) => lines.push(chunk));
  return () => last;
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
