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

/** Every logger that came of a root, for as long as somebody holds it. */
const families = new WeakMap<Logger, Set<WeakRef<Logger>>>();

/** Changes the level of a root logger and of all that came of it. */
export function changeLevel(root: Logger, level: string): void {
  root.level = level;
  for (const child of families.get(root) ?? []) {
    const logger = child.deref();
    if (logger) logger.level = level;
  }
}

/**
 * The root logger; parts of Patchbay take a child of it that names them.
 * @param base what every line says
 */
export function createLogger(
  { level, format }: LogSettings,
  terminal = process.stderr.isTTY,
  base: Readonly<Record<string, unknown>> | null = null,
): Logger {
  const family = new Set<WeakRef<Logger>>();
  const forget = new FinalizationRegistry((child: WeakRef<Logger>) => family.delete(child));
  const options = {
    level,
    onChild: (child: Logger) => {
      const ref = new WeakRef(child);
      family.add(ref);
      forget.register(child, ref);
    },
    base,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET.flatMap((k) => [`["${k}"]`, `*["${k}"]`, `*.headers["${k}"]`]), censor: '[redacted]' },
  };
  const rooted = (root: Logger): Logger => {
    families.set(root, family);
    return root;
  };
  if (format === 'pretty' || (format === 'auto' && terminal)) {
    const stream = pretty({
      destination: 2,
      sync: true,
      colorize: terminal,
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'pid,upstream,worker',
      messageFormat: '{if worker}[{worker}] {end}{if upstream}{upstream}: {end}{msg}',
    });
    return rooted(pino(options, stream));
  }
  return rooted(pino(options, destination({ dest: 2, sync: false, minLength: 0 })));
}
