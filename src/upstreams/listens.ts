/**
 * What one link listens to of a modern upstream (2026-07-28, subscriptions): a single `subscriptions/listen` for the lists
 * and resources wanted. When that changes a new one is opened, and the one before is ended once the new one is
 * acknowledged, so that nothing is missed in between.
 */
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { WireFault } from './wire.ts';

export interface ListensOptions {
  readonly log: Logger;
  nextId(): number;
  /** Sends the request under this id. */
  send(id: number, filter: Filter): void;
  /** Ends the request with this id. */
  end(id: number): void;
  /** A listen is open again after a time without one. */
  missed(): void;
}

/** The types of notification that are asked for. */
export interface Filter {
  toolsListChanged?: true;
  promptsListChanged?: true;
  resourcesListChanged?: true;
  resourceSubscriptions?: string[];
  taskIds?: string[];
}

/** What is listened to one by one, by the member of the filter that names it. */
type Kind = 'resourceSubscriptions' | 'taskIds';

interface Listen {
  readonly id: number;
  /** What it asks for, see `nameOf`. */
  readonly names: ReadonlySet<string>;
  /** What the upstream agreed to; `undefined` until it did. */
  agreed: ReadonlySet<string> | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface Waiter {
  readonly name: string;
  resolve(): void;
  reject(error: Fault): void;
}

const ACK = 10_000;
const FIRST_RETRY = 500;
const LONGEST_RETRY = 30_000;
/** What nobody wants any more is listened to for this long, milliseconds: somebody may come back. */
const LINGER = 1_000;
const LISTS = ['tools', 'prompts', 'resources'] as const;
const KINDS = ['resourceSubscriptions', 'taskIds'] as const;

/** One name for a resource or a task. */
const nameOf = (kind: Kind, id: string): string => `${kind}\0${id}`;
const idOf = (name: string): string => name.slice(name.indexOf('\0') + 1);

export class Listens {
  readonly #options: ListensOptions;
  readonly #lists: Filter = {};
  readonly #names = new Set<string>();
  #waiters: Waiter[] = [];
  #settling: (() => void)[] = [];
  #active: Listen | undefined;
  #opening: Listen | undefined;
  #again = false;
  #broken = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ListensOptions) {
    this.#options = options;
  }

  /** Listens to changes of the lists that the server says it tells of. */
  follow(capabilities: Readonly<Record<string, unknown>>): void {
    for (const list of LISTS) {
      const { listChanged } = (capabilities[list] ?? {}) as { listChanged?: unknown };
      if (listChanged === true) this.#lists[`${list}ListChanged`] = true;
    }
    if (Object.keys(this.#lists).length > 0) this.#update();
  }

  /**
   * Listens to a resource, or to a task. Resolves once the upstream has agreed.
   * @param id its URI or id
   * @param ms how long that may take, milliseconds
   * @throws Fault when it does not agree, or not in time
   */
  async subscribe(id: string, ms: number, kind: Kind = 'resourceSubscriptions'): Promise<void> {
    const name = nameOf(kind, id);
    this.#names.add(name);
    if (this.#active?.agreed?.has(name)) return;
    let late: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = { name, resolve, reject };
        this.#waiters.push(waiter);
        late = setTimeout(() => {
          this.#waiters = this.#waiters.filter((w) => w !== waiter);
          reject(notSubscribed(name, `the upstream did not acknowledge it within ${ms} ms`));
        }, ms);
        this.#update();
      });
    } catch (error) {
      this.#names.delete(name);
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** Resolves when no listen is being opened. */
  async settled(): Promise<void> {
    if (this.#opening) await new Promise<void>((done) => this.#settling.push(done));
  }

  unsubscribe(id: string, kind: Kind = 'resourceSubscriptions'): void {
    if (this.#names.delete(nameOf(kind, id))) this.#later(LINGER);
  }

  /** The upstream has acknowledged a listen. @param filter what it agreed to */
  acknowledged(id: number, filter: unknown): void {
    const listen = this.#opening;
    if (listen?.id !== id) return;
    clearTimeout(listen.timer);
    const agreed = (filter ?? {}) as Partial<Record<Kind, unknown>>;
    listen.agreed = new Set(
      KINDS.flatMap((kind) => {
        const ids = agreed[kind];
        return Array.isArray(ids) ? ids.map((id) => nameOf(kind, String(id))) : [];
      }),
    );
    if (this.#active) this.#options.end(this.#active.id);
    this.#active = listen;
    this.#opening = undefined;
    this.#failures = 0;
    for (const waiter of this.#takeWaiters(listen.names)) {
      if (listen.agreed.has(waiter.name)) waiter.resolve();
      else waiter.reject(notSubscribed(waiter.name, 'the upstream does not agree to it'));
    }
    if (this.#broken) this.#options.missed();
    this.#broken = false;
    if (this.#again) this.#update();
    this.#settle();
  }

  /** Whether notifications on this listen count. */
  hears(id: number): boolean {
    return this.#active?.id === id;
  }

  /** Whether anybody wants to hear of this. */
  wants(id: string, kind: Kind): boolean {
    return this.#names.has(nameOf(kind, id));
  }

  /** A listen was answered, with a result or an error. @returns whether it was one of these */
  ended(id: number): boolean {
    return this.#over(id, 'the upstream ended it');
  }

  /** A listen lost its stream. @returns whether it was one of these */
  broke(id: number, fault: WireFault): boolean {
    return this.#over(id, fault.message);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#opening?.timer);
    for (const { name, reject } of this.#waiters.splice(0)) reject(notSubscribed(name, 'the link was closed'));
    this.#opening = undefined;
    this.#settle();
  }

  #over(id: number, reason: string): boolean {
    if (this.#active?.id === id) {
      this.#active = undefined;
      this.#broken = true;
      if (!this.#opening) this.#retry(reason);
      return true;
    }
    const listen = this.#opening;
    if (listen?.id !== id) return false;
    clearTimeout(listen.timer);
    this.#opening = undefined;
    for (const { name, reject } of this.#takeWaiters(listen.names)) reject(notSubscribed(name, reason));
    if (!this.#active) this.#broken = true;
    this.#retry(reason);
    this.#settle();
    return true;
  }

  #settle(): void {
    if (!this.#opening) for (const done of this.#settling.splice(0)) done();
  }

  #retry(reason: string): void {
    if (this.#closed) return;
    const wait = Math.min(FIRST_RETRY * 2 ** this.#failures++, LONGEST_RETRY);
    this.#options.log.debug({ reason, retryInMs: wait }, 'a listen of the upstream is over, opening another');
    this.#later(wait);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#update(), ms).unref();
  }

  /** Opens a listen for what is wanted now. */
  #update(): void {
    this.#again = this.#opening !== undefined;
    if (this.#closed || this.#again) return;
    clearTimeout(this.#timer);
    const filter: Filter = { ...this.#lists };
    for (const kind of KINDS) {
      const ids = [...this.#names].filter((name) => name.startsWith(`${kind}\0`)).map(idOf);
      if (ids.length > 0) filter[kind] = ids;
    }
    if (Object.keys(filter).length === 0) {
      if (this.#active) this.#options.end(this.#active.id);
      this.#active = undefined;
      return;
    }
    const id = this.#options.nextId();
    const timer = setTimeout(() => {
      this.#options.end(id);
      this.#over(id, `it was not acknowledged within ${ACK} ms`);
    }, ACK).unref();
    this.#opening = { id, names: new Set(this.#names), agreed: undefined, timer };
    this.#options.send(id, filter);
  }

  /** Those who wait for what a listen had asked for; the others wait for the next one. */
  #takeWaiters(names: ReadonlySet<string>): Waiter[] {
    const waiting = this.#waiters;
    this.#waiters = waiting.filter(({ name }) => !names.has(name));
    return waiting.filter(({ name }) => names.has(name));
  }
}

const notSubscribed = (name: string, detail: string): Fault => new Fault('notSubscribed', { uri: idOf(name), detail });
