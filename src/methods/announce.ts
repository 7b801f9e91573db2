/** Tells sessions that a list has changed: once for many changes, and only of lists that really differ. */
import { compose } from '../protocol/message.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { View } from './view.ts';

/** Changes within this time are announced together, milliseconds. */
const DEBOUNCE = 100;

const LISTS = [
  ['tools', ['tools']],
  ['prompts', ['prompts']],
  ['resources', ['resources', 'resourceTemplates']],
] as const;

export class Announcer {
  readonly #view: () => View;
  readonly #sessions: () => Iterable<LegacySession>;
  #last: View;
  #timer: NodeJS.Timeout | undefined;

  constructor(view: () => View, sessions: () => Iterable<LegacySession>) {
    this.#view = view;
    this.#sessions = sessions;
    this.#last = view();
  }

  /** A catalog has changed. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#announce(), DEBOUNCE).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #announce(): void {
    this.#timer = undefined;
    const before = this.#last;
    const now = this.#view();
    this.#last = now;
    for (const [name, kinds] of LISTS) {
      if (kinds.every((kind) => before.lists[kind].result.equals(now.lists[kind].result))) continue;
      const message = compose(`notifications/${name}/list_changed`);
      for (const session of this.#sessions()) if (session.initialized) session.stream?.send(message);
    }
  }
}
