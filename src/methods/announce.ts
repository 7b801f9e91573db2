/** Tells clients that a list has changed: once for many changes, and only of lists that differ for them. */
import type { ListName, ListReader } from './listeners.ts';
import type { View } from './view.ts';

/** Changes within this time are announced together, milliseconds. */
const DEBOUNCE = 100;

const LISTS = [
  ['tools', ['tools']],
  ['prompts', ['prompts']],
  ['resources', ['resources', 'resourceTemplates']],
] as const;

export class Announcer {
  readonly #view: (reader: ListReader) => View;
  readonly #readers: () => Iterable<ListReader>;
  readonly #rested: () => void;
  /** What each client may have listed already. */
  readonly #last = new WeakMap<ListReader, View>();
  #timer: NodeJS.Timeout | undefined;

  /** @param rested called when changes have come to rest, whether anybody listens or not */
  constructor(
    view: (reader: ListReader) => View,
    readers: () => Iterable<ListReader>,
    rested: () => void = () => undefined,
  ) {
    this.#view = view;
    this.#readers = readers;
    this.#rested = rested;
  }

  /** Somebody begins to listen: what it sees now is what later changes are measured by. */
  opened(reader: ListReader): void {
    this.#last.set(reader, this.#view(reader));
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
    this.#rested();
    // they mostly come from the same view, so that one comparison serves many
    const compared = new Map<View, ListName[]>();
    for (const reader of this.#readers()) {
      const before = this.#last.get(reader);
      const now = this.#view(reader);
      if (!before || before === now) continue;
      const changed = compared.get(before) ?? changes(before, now);
      compared.set(before, changed);
      this.#last.set(reader, now);
      for (const list of changed) reader.listChanged(list);
    }
  }
}

function changes(before: View, now: View): ListName[] {
  return LISTS.filter(([, kinds]) =>
    kinds.some((kind) => !before.lists[kind].result.equals(now.lists[kind].result)),
  ).map(([name]) => name);
}
