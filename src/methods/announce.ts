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
  /** What each audience has been told of. */
  #last = new Map<string, View>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: (audience: string) => View, sessions: () => Iterable<LegacySession>) {
    this.#view = view;
    this.#sessions = sessions;
  }

  /** A session begins: what it sees now is what later changes are measured by. */
  opened(audience: string): void {
    if (!this.#last.has(audience)) this.#last.set(audience, this.#view(audience));
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
    const now = new Map<string, View>();
    const messages = new Map<string, Buffer[]>();
    for (const session of this.#sessions()) {
      const { audience } = session.client;
      if (!now.has(audience)) {
        now.set(audience, this.#view(audience));
        messages.set(audience, changes(this.#last.get(audience), now.get(audience)!));
      }
      for (const message of messages.get(audience)!) session.onceInitialized(() => session.standalone.send(message));
    }
    this.#last = now;
  }
}

function changes(before: View | undefined, now: View): Buffer[] {
  if (!before || before === now) return [];
  return LISTS.flatMap(([name, kinds]) =>
    kinds.every((kind) => before.lists[kind].result.equals(now.lists[kind].result))
      ? []
      : [compose(`notifications/${name}/list_changed`)],
  );
}
