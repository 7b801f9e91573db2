/** Logs: one JSON object a line on stderr by pino, pretty on a terminal. */
import { destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export interface LogSettings {
  readonly level: string;
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** Member names whose values never reach a log. */
const SECRET = ['authorization', 'cookie', 'set-cookie', 'mcp-session-id', 'token', 'password', 'secret'];

/** The root logger; parts of Patchbay take a child of it that names them. */
export function createLogger({ level, format }: LogSettings, terminal = process.stderr.isTTY): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET.flatMap((k) => [`["${k}"]`, `*["${k}"]`, `*.headers["${k}"]`]), censor: '[redacted]' },
  };
  if (format === 'pretty' || (format === 'auto' && terminal)) {
    const stream = pretty({
      destination: 2,
      sync: true,
      colorize: terminal,
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'pid,upstream',
      messageFormat: '{if upstream}{upstream}: {end}{msg}',
    });
    return pino(options, stream);
  }
  return pino(options, destination({ dest: 2, sync: false, minLength: 0 }));
}
