/** What tells a gateway to end. */
import { once } from 'node:events';

/** Whether SIGHUP says that the terminal is gone; a service without one is told by it to read its config again. */
export const hasTerminal = (): boolean => process.stdin.isTTY === true || process.stderr.isTTY === true;

/** Resolves with the first SIGTERM, SIGINT or SIGHUP; the second ends the process at once. */
export async function stopSignal(): Promise<string> {
  const controller = new AbortController();
  const named = (name: NodeJS.Signals): Promise<string> =>
    once(process, name, { signal: controller.signal }).then(() => name);
  const waiting = [named('SIGTERM'), named('SIGINT'), orphaned(controller.signal)];
  if (hasTerminal()) waiting.push(named('SIGHUP'));
  for (const one of waiting) one.catch(() => undefined);
  const signal = await Promise.race(waiting);
  controller.abort();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => process.exit(130));
  return signal;
}

/** npm does not pass a signal on to what it started: there, the end of its shell stands for one. */
function orphaned(over: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid !== parent) resolve('the end of npm');
    }, 250).unref();
    over.addEventListener('abort', () => clearInterval(timer), { once: true });
  });
}
