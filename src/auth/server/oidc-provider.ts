/**
 * oidc-provider, which prints what it thinks of runtimes and of settings straight to the terminal when it is loaded and
 * used: what it says of settings is logged, the rest is left out.
 */
import type { Logger } from '../../telemetry/log.ts';

const terminal = globalThis.console;
const { info, warn } = terminal;
// it takes releases that have not been named yet for unsupported ones
terminal.warn = () => undefined;
const { default: Provider, errors, interactionPolicy } = await import('oidc-provider');
terminal.warn = warn;

export { errors, interactionPolicy, Provider };

const OWN = /oidc-provider (NOTICE|WARNING): /;

/** Sends its remarks to the log from now on, at level `debug`. */
export function quieten(log: Logger): void {
  // those of the terminal itself, however often this is called
  for (const [level, print] of [
    ['info', info],
    ['warn', warn],
  ] as const) {
    terminal[level] = (...args: unknown[]): void => {
      const [text] = args;
      if (typeof text === 'string' && OWN.test(text)) log.debug({ remark: text }, 'oidc-provider');
      else print.apply(terminal, args);
    };
  }
}
