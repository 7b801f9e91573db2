/**
 * The events of one session's streams, kept so that a client that lost its connection can go on where it was
 * (2025-11-25, transports, resumability). Bounded by count, bytes and age.
 */

export interface StoredEvent {
  readonly id: string;
  /** One JSON-RPC message; empty for a priming event. */
  readonly message: Buffer;
}

export interface EventStore {
  /** Keeps an event of a stream. @returns its id, which names session, stream and place */
  append(stream: string, message: Buffer): string;
  /**
   * What followed an event on its stream.
   * @returns `undefined` when the id was never given out here, or what followed it is not kept any more
   */
  after(id: string): { readonly stream: string; readonly events: readonly StoredEvent[] } | undefined;
  /** Forgets a stream. */
  drop(stream: string): void;
}

export interface EventLimits {
  /** The most events kept per session. */
  readonly maxEvents: number;
  /** The most bytes of messages kept per session. */
  readonly maxBytes: number;
  /** How long an event is kept, milliseconds. */
  readonly maxAge: number;
}

interface Kept extends StoredEvent {
  readonly stream: string;
  readonly seq: number;
  readonly at: number;
}

interface Line {
  last: number;
  /** Everything up to this place is gone. */
  evicted: number;
  events: Kept[];
}

/** The embedded store: in memory, as long as the session lives. */
export class MemoryEventStore implements EventStore {
  readonly #session: string;
  readonly #limits: EventLimits;
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();
  /** All kept events, oldest first. */
  #queue: Kept[] = [];
  #head = 0;
  #bytes = 0;

  /** @param session a name of the session that is no secret; ids begin with it */
  constructor(session: string, limits: EventLimits, now: () => number = Date.now) {
    this.#session = session;
    this.#limits = limits;
    this.#now = now;
  }

  append(stream: string, message: Buffer): string {
    let line = this.#lines.get(stream);
    if (!line) {
      line = { last: 0, evicted: 0, events: [] };
      this.#lines.set(stream, line);
    }
    const seq = ++line.last;
    const event: Kept = { id: `${this.#session}.${stream}.${seq}`, message, stream, seq, at: this.#now() };
    line.events.push(event);
    this.#queue.push(event);
    this.#bytes += message.length;
    this.#evict();
    return event.id;
  }

  after(id: string): { stream: string; events: readonly StoredEvent[] } | undefined {
    const [session, stream = '', place = '', more] = id.split('.');
    const line = this.#lines.get(stream);
    const seq = Number(place);
    if (
      session !== this.#session ||
      more !== undefined ||
      !line ||
      !/^\d{1,15}$/.test(place) ||
      seq > line.last ||
      seq < 1
    )
      return undefined;
    this.#evict();
    if (seq < line.evicted) return undefined;
    return { stream, events: line.events.filter((e) => e.seq > seq) };
  }

  drop(stream: string): void {
    const line = this.#lines.get(stream);
    if (!line) return;
    this.#lines.delete(stream);
    for (const event of line.events) this.#bytes -= event.message.length;
    line.events = [];
    this.#queue = this.#queue.slice(this.#head).filter((e) => e.stream !== stream);
    this.#head = 0;
  }

  #evict(): void {
    const { maxEvents, maxBytes, maxAge } = this.#limits;
    const old = this.#now() - maxAge;
    while (this.#head < this.#queue.length) {
      const event = this.#queue[this.#head]!;
      const kept = this.#queue.length - this.#head;
      if (kept <= maxEvents && this.#bytes <= maxBytes && event.at >= old) break;
      this.#head++;
      this.#bytes -= event.message.length;
      const line = this.#lines.get(event.stream);
      if (!line) continue;
      line.evicted = event.seq;
      line.events.shift();
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
