/**
 * A process that outlives the gateway for a moment: it ends the process groups that a gateway left behind which was
 * killed, or crashed in a way that let it do nothing itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Logger } from '../telemetry/log.ts';

/** Is given the groups that are there, and reads which begin and end; at end of file it kills those that are left. A line that was cut off is not read. */
const SCRIPT = `
trap '' INT TERM HUP QUIT
groups=" $* "
while read -r word pid; do
  case $word in
    begin) groups="$groups$pid " ;;
    end) groups="\${groups%%" $pid "*} \${groups#*" $pid "}" ;;
  esac
done
for pid in $groups; do kill -s KILL -- "-$pid" 2>/dev/null; done
`;

/** The first and the longest wait before a guard that has ended is replaced once more, milliseconds. */
const FIRST_RETRY = 100;
const LONGEST_RETRY = 30_000;
/** One that lived for this long is replaced at once, milliseconds. */
const STABLE = 10_000;

/**
 * It waits at the end of a pipe, whose other end the gateway alone holds: however the gateway ends, the pipe does. It is
 * in a session of its own, so that what is sent to the gateway's group or terminal does not reach it. One that is killed
 * itself is replaced for as long as there are groups.
 */
export class Guard {
  readonly #shell: string;
  readonly #groups = new Set<number>();
  #process: ChildProcess | undefined;
  #startedAt = 0;
  /** Guards in a row that did not live for long. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(shell = '/bin/sh') {
    this.#shell = shell;
  }

  /** The process id, while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Leaders of the groups that are there. */
  get groups(): ReadonlySet<number> {
    return this.#groups;
  }

  /**
   * Sees to it that the guard runs; to be called before a process is started, so that telling of it then takes no time.
   * Where there is no shell it does without. Never throws.
   */
  ready(log: Logger): void {
    if (this.#process || process.platform === 'win32') return;
    clearTimeout(this.#retry);
    this.#startedAt = performance.now();
    let guard: ChildProcess;
    try {
      // nothing of the gateway's environment or folder is held on to
      const stdio = ['pipe', 'ignore', 'ignore'] as const;
      guard = spawn(this.#shell, ['-c', SCRIPT, 'patchbay-guard', ...[...this.#groups].map(String)], {
        detached: true,
        cwd: '/',
        env: {},
        stdio: [...stdio],
      });
    } catch (error) {
      return this.#ended({ err: (error as Error).message }, log);
    }
    this.#process = guard;
    const over = (how: object): void => {
      if (this.#process === guard) this.#ended(how, log);
    };
    guard.once('exit', (code, signal) => over({ code, signal }));
    guard.once('error', ({ message }) => over({ err: message }));
    guard.stdin?.on('error', () => undefined);
    // neither the process nor the pipe keeps the gateway from ending
    guard.unref();
    (guard.stdin as Socket | null)?.unref();
  }

  /** A group is there. */
  begin(pid: number): void {
    this.#groups.add(pid);
    this.#tell(`begin ${pid}\n`);
  }

  /** A group is over; its number may soon be that of another. */
  end(pid: number): void {
    if (this.#groups.delete(pid)) this.#tell(`end ${pid}\n`);
  }

  /** There is no guard now. */
  #ended(how: object, log: Logger): void {
    this.#process = undefined;
    if (this.#groups.size === 0) return;
    this.#failures = performance.now() - this.#startedAt < STABLE ? this.#failures + 1 : 0;
    const retryInMs = this.#failures === 0 ? 0 : Math.min(FIRST_RETRY * 2 ** (this.#failures - 1), LONGEST_RETRY);
    log.debug({ ...how, retryInMs }, 'no guard: processes may be left behind if Patchbay is killed now');
    this.#retry = setTimeout(() => {
      if (this.#groups.size > 0) this.ready(log);
    }, retryInMs).unref();
  }

  #tell(line: string): void {
    // a pipe that is not full takes a line at once, within this call
    this.#process?.stdin?.write(line);
  }
}
