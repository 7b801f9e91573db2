/** Which processes of a benchmark run on which cores, where it matters that they are not in each other's way. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Target } from './targets.ts';

/**
 * Keeps this process and what it starts, the load generator first of all, on one core until it is disposed of, and puts what is
 * measured on others.
 */
export class Cores implements Disposable {
  readonly #all: readonly number[];

  /** @throws {Error} where there is one core only */
  constructor() {
    this.#all = allowed();
    if (this.#all.length < 2) throw new Error('there is one core only, which what is measured needs for itself');
    pin(process.pid, this.#all.slice(0, 1));
  }

  /** Puts all processes of a target on one core, beside that of the load generator. */
  onOne(target: Target): Target {
    return this.#put(target, this.#all.slice(1, 2));
  }

  /** Lets a target have all cores but that of the load generator. */
  onOthers(target: Target): Target {
    return this.#put(target, this.#all.slice(1));
  }

  [Symbol.dispose](): void {
    pin(process.pid, this.#all);
  }

  #put(target: Target, cores: readonly number[]): Target {
    for (const pid of [target.pid, ...target.workers]) pin(pid, cores);
    return target;
  }
}

/** The cores that this process may run on. */
function allowed(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Lets a process and all its threads run on some cores alone; what it starts later does, too. */
function pin(pid: number, cores: readonly number[]): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores.join(','), String(pid)], { stdio: 'ignore' });
}
