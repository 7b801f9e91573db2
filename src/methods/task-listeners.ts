/** Who listens to changes of which task. */

/** A task: at an upstream under an id of its own, or here. */
export interface TaskName {
  readonly upstream: string | undefined;
  readonly id: string;
}

export class TaskListeners {
  /** By task: the listeners, each with what ends it. */
  readonly #tasks = new Map<string, Map<string, () => void>>();

  /** @param end called when it listens no longer */
  add(task: TaskName, listener: string, end: () => void): void {
    const key = keyOf(task);
    const listeners = this.#tasks.get(key) ?? new Map<string, () => void>();
    this.#tasks.set(key, listeners.set(listener, end));
  }

  of(task: TaskName): string[] {
    return [...(this.#tasks.get(keyOf(task))?.keys() ?? [])];
  }

  /** It listens to nothing any more. */
  drop(listener: string): void {
    for (const [key, listeners] of this.#tasks) {
      const end = listeners.get(listener);
      if (!end || !listeners.delete(listener) || listeners.size > 0) continue;
      this.#tasks.delete(key);
      end();
    }
  }
}

const keyOf = ({ upstream, id }: TaskName): string => JSON.stringify([upstream ?? null, id]);
