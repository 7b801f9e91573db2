/** The process groups that the gateway has started and that are not over. */
import type { Logger } from '../telemetry/log.ts';
import { Guard } from './guard.ts';

const guard = new Guard();

// whatever way the gateway ends of itself, its children's groups end with it; for other ways there is the guard
process.on('exit', () => {
  for (const pid of guard.groups) signalGroup(pid, 'SIGKILL');
});

/** Leaders of the process groups that are alive now. */
export const liveGroups = (): readonly number[] => [...guard.groups];

/** The guard's process id, while it runs. */
export const guardPid = (): number | undefined => guard.pid;

/** To be called right before a process is started that will lead a group. */
export const expectGroup = (log: Logger): void => guard.ready(log);

/** A group is there. @param pid its leader */
export const beginGroup = (pid: number): void => guard.begin(pid);

/** A group is over: from now on its number may belong to something else. */
export const endGroup = (pid: number): void => guard.end(pid);

/**
 * Sends a signal to all members of a group.
 * @param signal 0 sends nothing and only looks
 * @returns whether there was anybody
 */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    // Windows has no process groups
    return process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    return false;
  }
}
