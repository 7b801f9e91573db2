/** What a link waits for: one table from upstream-side ids to calls. */
import type { Call, Deadline } from '../protocol/call.ts';

export interface Pending {
  readonly id: number;
  readonly call: Call;
  readonly deadline: Deadline;
  readonly since: number;
  /** How many messages had come over the link before. */
  readonly heard: number;
  timer: NodeJS.Timeout;
  /** Whether the timer stands for the total, not for the idle time. */
  total: boolean;
  /** Input requests of the upstream that wait for a person; the idle time stands still meanwhile. */
  waiting: number;
  /** The progress that the upstream reported last. */
  progress: number;
}

export class PendingTable {
  readonly #byId = new Map<number, Pending>();
  readonly #byCall = new Map<Call, Pending>();
  #last = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** An id that this link has not used before. */
  nextId(): number {
    return ++this.#last;
  }

  /** Enters a call under a fresh id, unique on this link. `expired` is called when its deadline passes. */
  open(call: Call, deadline: Deadline, heard: number, expired: (pending: Pending) => void): Pending {
    const pending: Pending = {
      id: this.nextId(),
      call,
      deadline,
      since: Date.now(),
      heard,
      waiting: 0,
      progress: Number.NEGATIVE_INFINITY,
      total: deadline.total < deadline.idle,
      timer: setTimeout(() => expired(pending), Math.min(deadline.idle, deadline.total)),
    };
    this.#byId.set(pending.id, pending);
    this.#byCall.set(call, pending);
    return pending;
  }

  /** Takes the call with this id out of the table; `undefined` for an answer that came late, twice or unasked. */
  settle(id: number): Pending | undefined {
    const pending = this.#byId.get(id);
    if (!pending) return undefined;
    clearTimeout(pending.timer);
    this.#byId.delete(id);
    this.#byCall.delete(pending.call);
    return pending;
  }

  get(id: number): Pending | undefined {
    return this.#byId.get(id);
  }

  of(call: Call): Pending | undefined {
    return this.#byCall.get(call);
  }

  /** The sessions that have calls in flight. */
  sessions(): ReadonlySet<string> {
    const sessions = new Set<string>();
    for (const { session } of this.#byCall.keys()) if (session !== undefined) sessions.add(session);
    return sessions;
  }

  /** Whether any call in flight is like this. */
  some(test: (call: Call) => boolean): boolean {
    for (const call of this.#byCall.keys()) if (test(call)) return true;
    return false;
  }

  /**
   * The call that has waited longest among those that may ask the client for something: tools before others, and those
   * whose client is there before those that wait for theirs to come back, and those that were asked less before the others.
   */
  oldest(methods: ReadonlySet<string>): Pending | undefined {
    let best: Pending | undefined;
    let bestRank = -1;
    for (const pending of this.#byId.values()) {
      const { method, present } = pending.call;
      const rank = methods.has(method) ? (present ? 2 : 0) + (method === 'tools/call' ? 1 : 0) : -1;
      if (rank > bestRank || (best && rank === bestRank && pending.waiting < best.waiting))
        [best, bestRank] = [pending, rank];
    }
    return best;
  }

  /** The only call in flight, if there is exactly one. */
  sole(): Pending | undefined {
    if (this.#byId.size !== 1) return undefined;
    for (const pending of this.#byId.values()) return pending;
  }

  /** Progress came: the idle time starts anew, within the total. */
  touch(pending: Pending, expired: (pending: Pending) => void): void {
    if (!this.#byId.has(pending.id)) return;
    const left = pending.since + pending.deadline.total - Date.now();
    if (left >= pending.deadline.idle) {
      pending.timer.refresh();
      return;
    }
    clearTimeout(pending.timer);
    pending.total = true;
    pending.timer = setTimeout(() => expired(pending), Math.max(0, left));
  }

  /** Empties the table. */
  drain(): Pending[] {
    const all = [...this.#byId.values()];
    for (const { id } of all) this.settle(id);
    return all;
  }
}
