/** The embedded event store: in memory, as long as the session lives, bounded as retention.ts says. */
import type { EventLimits, EventStore, Rest, StoredEvent, StreamTraits } from './event-store.ts';
import { isDroppable, type Kind, MOST_OWED, slack, thin } from './retention.ts';

/**
 * Which bounds an event counts against: `passing` for what may go, `delivered` for answers that the client has got, `owed`
 * for what it has to get.
 */
type Share = 'passing' | 'delivered' | 'owed';

interface Line {
  readonly name: string;
  readonly traits: StreamTraits;
  last: number;
  /** How many wait for a connection. */
  waiting: number;
  delivered: boolean;
  answers: Kept[];
  /** Up to this place an answer is gone. */
  lost: number;
  /** Up to this place something else is gone that a connection had taken. */
  gap: number;
}

interface Kept extends StoredEvent {
  readonly line: Line;
  readonly seq: number;
  readonly at: number;
  taken: boolean;
  /** Not kept any more. */
  gone: boolean;
}

export class MemoryEventStore implements EventStore {
  readonly #session: string;
  readonly #limits: EventLimits;
  readonly #lost: (stream: string, kind: Kind) => void;
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();
  /** All kept events, oldest first. */
  #events: Kept[] = [];
  readonly #held = {
    passing: { events: 0, bytes: 0 },
    delivered: { events: 0, bytes: 0 },
    owed: { events: 0, bytes: 0 },
  };

  /**
   * @param session a name of the session that is no secret; ids begin with it
   * @param lost called for every message that is given up before the client got it
   */
  constructor(
    session: string,
    limits: EventLimits,
    lost: (stream: string, kind: Kind) => void,
    now: () => number = Date.now,
  ) {
    this.#session = session;
    this.#limits = limits;
    this.#lost = lost;
    this.#now = now;
  }

  open(stream: string, traits: StreamTraits): void {
    const line = { name: stream, traits, last: 0, waiting: 0, delivered: false, answers: [], lost: 0, gap: 0 };
    this.#lines.set(stream, line);
  }

  append(stream: string, message: Buffer, kind: Kind, taken: boolean): StoredEvent {
    const line = this.#lines.get(stream);
    if (!line) throw new Error(`stream ${stream} is not open`);
    const seq = ++line.last;
    const id = `${this.#session}.${stream}.${seq}`;
    const event: Kept = { id, message, kind, line, seq, at: this.#now(), taken, gone: false };
    if (kind === 'answer' && line.traits.final) line.answers.push(event);
    this.#events.push(event);
    this.#count(event, 1);
    this.#evict();
    const { hold = Number.POSITIVE_INFINITY } = line.traits;
    if (line.waiting > hold) this.#thinHeld(line, slack(hold));
    return event;
  }

  take(event: StoredEvent): void {
    const kept = event as Kept;
    if (kept.taken || kept.gone) return;
    this.#count(kept, -1);
    kept.taken = true;
    this.#count(kept, 1);
  }

  waiting(stream: string): readonly StoredEvent[] {
    return this.#events.filter(({ line, taken }) => line.name === stream && !taken);
  }

  after(id: string): Rest | undefined {
    const [session, stream = '', place = '', more] = id.split('.');
    const line = this.#lines.get(stream);
    if (session !== this.#session || more !== undefined || !line || !/^\d{1,15}$/.test(place)) return undefined;
    const seq = Number(place);
    if (seq > line.last || seq < 1) return undefined;
    this.#evict();
    if (seq < line.lost) return undefined;
    return { stream, events: this.#events.filter((e) => e.line === line && e.seq > seq), gap: seq < line.gap };
  }

  delivered(stream: string): void {
    const line = this.#lines.get(stream);
    if (!line || line.delivered) return;
    for (const answer of line.answers) this.#count(answer, -1);
    line.delivered = true;
    for (const answer of line.answers) this.#count(answer, 1);
    this.#evict();
  }

  drop(stream: string): void {
    const line = this.#lines.get(stream);
    if (!line) return;
    this.#lines.delete(stream);
    this.#events = this.#events.filter((event) => {
      if (event.line !== line) return true;
      event.gone = true;
      this.#count(event, -1);
      return false;
    });
  }

  #evict(): void {
    const { maxEvents, maxBytes, maxAge } = this.#limits;
    const old = this.#now() - maxAge;
    const aged = this.#events.findIndex(({ at }) => at >= old);
    for (const event of this.#events.splice(0, aged < 0 ? this.#events.length : aged)) this.#forget(event);
    this.#bound('passing', maxEvents, maxBytes, 0);
    this.#bound('delivered', maxEvents, maxBytes, 1);
    this.#bound('owed', maxEvents, MOST_OWED, 1);
  }

  /** @param stay how many of the newest stay however large they are */
  #bound(share: Share, events: number, bytes: number, stay: number): void {
    const held = this.#held[share];
    const within = (most: number, size: number) => held.events <= stay || (held.events <= most && held.bytes <= size);
    if (within(events, bytes)) return;
    const rankOf = (event: Kept) => (shareOf(event) === share ? rankOfPassing(event) : undefined);
    this.#events = thin(
      this.#events,
      rankOf,
      () => within(slack(events), slack(bytes)),
      (event) => this.#forget(event),
    );
  }

  #thinHeld(line: Line, bound: number): void {
    const ranks: Readonly<Record<Kind, number>> = { progress: 0, log: 1, notice: 2, request: 3, answer: 4 };
    this.#events = thin(
      this.#events,
      (event) => (event.line === line && !event.taken ? ranks[event.kind] : undefined),
      () => line.waiting <= bound,
      (event) => this.#forget(event),
    );
  }

  #forget(event: Kept): void {
    const { line, kind, seq, taken, message } = event;
    event.gone = true;
    this.#count(event, -1);
    const owed = kind === 'answer' && line.traits.final && !line.delivered;
    if (kind === 'answer') {
      line.lost = seq;
      line.answers = line.answers.filter((answer) => answer !== event);
    } else if (taken && kind !== 'progress' && message.length > 0) line.gap = seq;
    if (!taken || owed) this.#lost(line.name, kind);
  }

  #count(event: Kept, by: 1 | -1): void {
    const share = this.#held[shareOf(event)];
    share.events += by;
    share.bytes += by * event.message.length;
    if (!event.taken) event.line.waiting += by;
  }
}

function shareOf({ kind, taken, line }: Kept): Share {
  if (kind === 'answer' && line.traits.final) return line.delivered ? 'delivered' : 'owed';
  return taken || isDroppable(kind) ? 'passing' : 'owed';
}

/** What a connection has taken goes before what waits for one. */
function rankOfPassing({ kind, taken }: Kept): number {
  if (taken || !isDroppable(kind)) return 0;
  return kind === 'progress' ? 1 : kind === 'log' ? 2 : 3;
}
