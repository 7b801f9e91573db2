/**
 * A process that outlives the gateway for a moment: it ends the process groups that a gateway left behind which was
 * killed, or crashed in a way that let it do nothing itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Logger } from '../telemetry/log.ts';

/** Reads which groups begin and end; at end of file it kills those that are left. A line that was cut off is not read. */
const SCRIPT = `
trap '' INT TERM HUP QUIT
groups=' '
while read -r word pid; do
  case $word in
    begin) groups="$groups$pid " ;;
    end) groups="\${groups%%" $pid "*} \${groups#*" $pid "}" ;;
  esac
done
for pid in $groups; do kill -s KILL -- "-$pid" 2>/dev/null; done
`;

/**
 * It waits at the end of a pipe, whose other end the gateway alone holds: however the gateway ends, the pipe does. It is
 * in a session of its own, so that what is sent to the gateway's group or terminal does not reach it.
 */
export class Guard {
  readonly #shell: string;
  #process: ChildProcess | undefined;

  constructor(shell = '/bin/sh') {
    this.#shell = shell;
  }

  /** The process id, while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Sees to it that the guard runs; to be called before a process is started, so that telling of it then takes no time.
   * Where there is no shell it does without. Never throws.
   * @param groups leaders of the groups that are alive, for a guard that takes the place of one that is gone
   */
  ready(groups: Iterable<number>, log: Logger): void {
    if (this.#process || process.platform === 'win32') return;
    let guard: ChildProcess;
    try {
      // nothing of the gateway's environment or folder is held on to
      const stdio = ['pipe', 'ignore', 'ignore'] as const;
      guard = spawn(this.#shell, ['-c', SCRIPT, 'patchbay-guard'], {
        detached: true,
        cwd: '/',
        env: {},
        stdio: [...stdio],
      });
    } catch (error) {
      return unguarded(error as Error, log);
    }
    this.#process = guard;
    const gone = (): void => {
      if (this.#process === guard) this.#process = undefined;
    };
    guard.once('exit', gone);
    guard.once('error', (error) => {
      gone();
      unguarded(error, log);
    });
    guard.stdin?.on('error', () => undefined);
    // neither the process nor the pipe keeps the gateway from ending
    guard.unref();
    (guard.stdin as Socket | null)?.unref();
    for (const pid of groups) this.begin(pid);
  }

  /** A group is there. */
  begin(pid: number): void {
    this.#tell(`begin ${pid}\n`);
  }

  /** A group is over; its number may soon be that of another. */
  end(pid: number): void {
    this.#tell(`end ${pid}\n`);
  }

  #tell(line: string): void {
    // a pipe that is not full takes a line at once, within this call
    this.#process?.stdin?.write(line);
  }
}

function unguarded({ message }: Error, log: Logger): void {
  log.debug({ err: message }, 'no guard: processes may be left behind if Patchbay is killed');
}
