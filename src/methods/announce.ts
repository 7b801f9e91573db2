/** Tells sessions that a list has changed: once for many changes, and only of lists that differ for them. */
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
  readonly #view: (audience: string) => View;
  readonly #sessions: () => Iterable<LegacySession>;
  /** What each session's client may have listed already. */
  readonly #last = new WeakMap<LegacySession, View>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: (audience: string) => View, sessions: () => Iterable<LegacySession>) {
    this.#view = view;
    this.#sessions = sessions;
  }

  /** A session begins: what it sees now is what later changes are measured by. */
  opened(session: LegacySession): void {
    this.#last.set(session, this.#view(session.client.audience));
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
    // sessions mostly come from the same view, so that one comparison serves many
    const compared = new Map<View, Buffer[]>();
    for (const session of this.#sessions()) {
      const before = this.#last.get(session);
      const now = this.#view(session.client.audience);
      if (!before || before === now) continue;
      const messages = compared.get(before) ?? changes(before, now);
      compared.set(before, messages);
      this.#last.set(session, now);
      for (const message of messages) session.onceInitialized(() => session.standalone.send(message));
    }
  }
}

function changes(before: View, now: View): Buffer[] {
  return LISTS.flatMap(([name, kinds]) =>
    kinds.every((kind) => before.lists[kind].result.equals(now.lists[kind].result))
      ? []
      : [compose(`notifications/${name}/list_changed`)],
  );
}
