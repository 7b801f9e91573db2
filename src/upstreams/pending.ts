/** What a link waits for: one table from upstream-side ids to calls, with one timer for all of their deadlines. */
import type { Call, Deadline } from '../protocol/call.ts';
import { InProgress } from '../protocol/in-progress.ts';
import type { Passing } from './passing.ts';

/**
 * A call in flight. A class, since V8 may come to have what an object literal makes in its old space right away, where it would
 * keep its call alive until all of the heap is collected.
 */
export class Pending {
  readonly id: number;
  readonly call: Call;
  readonly deadline: Deadline;
  /** By the clock of `performance.now()`, which nobody sets, milliseconds. */
  readonly since: number;
  /** How many messages had come over the link before. */
  readonly heard: number;
  /** When its deadline passes, by the same clock. */
  due: number;
  /** Whether that is for the total, not for the idle time. */
  total: boolean;
  /** What waits for the client: input requests of the upstream, an answer it is slow to read. The idle time stands still meanwhile. */
  waiting = 0;
  /** Set once its answer is passed on while it comes. */
  passing: Passing | undefined = undefined;
  /** What was wrong with a message that came in the place of its answer. */
  garbled: string | undefined = undefined;
  /** The progress that the upstream reported last. */
  progress = Number.NEGATIVE_INFINITY;

  constructor(id: number, call: Call, deadline: Deadline, heard: number, now: number) {
    const { idle, total } = deadline;
    this.id = id;
    this.call = call;
    this.deadline = deadline;
    this.since = now;
    this.heard = heard;
    this.due = now + Math.min(idle, total);
    this.total = total < idle;
  }
}

/** The longest time of a timer of Node.js, milliseconds. */
const LONGEST = 2 ** 31 - 1;
/** What is due within this time is over: timers of Node.js may go off by so much too early, milliseconds. */
const EARLY = 1;
/** Deadlines that pass within this time of each other are noticed together, by the last of them; milliseconds. */
const TOGETHER = 10;

export class PendingTable {
  readonly #byId = new InProgress<Pending>();
  readonly #expired: (pending: Pending) => void;
  #last = 0;
  /** Stands for the deadline that passes next, or for an earlier one that is settled meanwhile. */
  #alarm: NodeJS.Timeout | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;

  /** @param expired called when the deadline of a call passes: at most 1 ms before that, and 10 ms after it */
  constructor(expired: (pending: Pending) => void) {
    this.#expired = expired;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** An id that this link has not used before. */
  nextId(): number {
    return ++this.#last;
  }

  /** Enters a call under a fresh id, unique on this link. */
  open(call: Call, deadline: Deadline, heard: number): Pending {
    const now = performance.now();
    const pending = new Pending(this.nextId(), call, deadline, heard, now);
    this.#byId.set(pending.id, pending);
    if (pending.due < this.#alarmAt) this.#arm(pending.due, now);
    return pending;
  }

  /** Takes the call with this id out of the table; `undefined` for an answer that came late, twice or unasked. */
  settle(id: number): Pending | undefined {
    const pending = this.#byId.get(id);
    if (pending) this.#byId.delete(id);
    return pending;
  }

  get(id: number): Pending | undefined {
    return this.#byId.get(id);
  }

  of(call: Call): Pending | undefined {
    return this.#byId.values().find((pending) => pending.call === call);
  }

  /** The sessions that have calls in flight. */
  sessions(): ReadonlySet<string> {
    const sessions = new Set<string>();
    for (const { call } of this.#byId.values()) if (call.session !== undefined) sessions.add(call.session);
    return sessions;
  }

  /** Whether any call in flight is like this. */
  some(test: (call: Call) => boolean): boolean {
    return this.#byId.values().some(({ call }) => test(call));
  }

  /**
   * The call that has waited longest among those that may ask the client for something: tools before others, and those
   * whose client is there before those that wait for theirs to come back, and those that were asked less before the others.
   */
  oldest(methods: ReadonlySet<string>): Pending | undefined {
    let best: Pending | undefined;
    let bestRank = -1;
    for (const pending of this.#inOrder()) {
      const { method, present } = pending.call;
      const rank = methods.has(method) ? (present ? 2 : 0) + (method === 'tools/call' ? 1 : 0) : -1;
      if (rank > bestRank || (best && rank === bestRank && pending.waiting < best.waiting))
        [best, bestRank] = [pending, rank];
    }
    return best;
  }

  /** The only call in flight, if there is exactly one. */
  sole(): Pending | undefined {
    return this.#byId.size === 1 ? this.#byId.values()[0] : undefined;
  }

  /** Progress came: the idle time starts anew, within the total. */
  touch(pending: Pending): void {
    if (this.#byId.get(pending.id) !== pending) return;
    const now = performance.now();
    const { idle, total } = pending.deadline;
    const end = pending.since + total;
    pending.total = end - now < idle;
    pending.due = pending.total ? end : now + idle;
    if (pending.due < this.#alarmAt) this.#arm(pending.due, now);
  }

  /** Empties the table. */
  drain(): Pending[] {
    const all = this.#inOrder();
    this.#byId.clear();
    clearTimeout(this.#alarm);
    this.#alarmAt = Number.POSITIVE_INFINITY;
    return all;
  }

  /** Those that wait for longest first. */
  #inOrder(): Pending[] {
    return this.#byId.values().sort((a, b) => a.id - b.id);
  }

  #arm(at: number, now: number): void {
    clearTimeout(this.#alarm);
    this.#alarmAt = at;
    this.#alarm = setTimeout(() => this.#ring(), Math.min(Math.max(at - now, 0), LONGEST));
  }

  #ring(): void {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const pending of this.#inOrder()) {
      // a deadline that passes counts once, and what came of the one before it may have settled this one
      if (pending.due > now + EARLY || this.#byId.get(pending.id) !== pending) continue;
      pending.due = Number.POSITIVE_INFINITY;
      this.#expired(pending);
    }
    let next = Number.POSITIVE_INFINITY;
    for (const { due } of this.#byId.values()) if (due < next) next = due;
    if (next < this.#alarmAt) this.#arm(Math.max(next, now + TOGETHER), now);
  }
}
