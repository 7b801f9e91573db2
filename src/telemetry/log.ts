/** Logs: one JSON object a line on stderr by pino, pretty on a terminal. */
import { createRequire } from 'node:module';
import { type Bindings, destination, type Logger, pino, stdSerializers } from 'pino';
import { maskCredentials, withoutSecrets } from './secrets.ts';

export type { Logger } from 'pino';

export interface LogSettings {
  readonly level: string;
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
}

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
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (members: Record<string, unknown>) => withoutSecrets(members),
    },
    serializers: { err: (error: Error) => withoutSecrets(stdSerializers.err(error)) },
    hooks: { streamWrite: maskCredentials },
  };
  const rooted = (root: Logger): Logger => {
    families.set(root, family);
    // what children are bound to does not come by the formatters
    const { child } = root;
    root.child = function (this: Logger, bindings: Bindings, ...more: unknown[]) {
      return Reflect.apply(child, this, [withoutSecrets(bindings), ...more]) as Logger;
    } as unknown as Logger['child'];
    return root;
  };
  if (format === 'pretty' || (format === 'auto' && terminal)) {
    // loaded where it is used: services and containers have no terminal
    const pretty = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
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
