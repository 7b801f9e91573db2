/**
 * Ids of elicitations in URL mode. An upstream's are unique to it alone, so clients get ones made here; a notification
 * that one is over finds its way back to every session that was asked under it.
 */
import { randomUUID } from 'node:crypto';
import type { LinkName } from '../upstreams/upstream-links.ts';

type Owner = Pick<LinkName, 'upstream' | 'scope'>;

/** A session that was asked, and the id that it was shown. */
export interface Asked {
  readonly session: string;
  readonly exposed: string;
}

/** The most ids that are kept of all upstreams together. */
const LIMIT = 10_000;
/** Ids that are known to be over, at most. */
const FINISHED = 1_000;

export class ElicitationIds {
  /** By link and upstream's id: what each session was shown. */
  readonly #byUpstream = new Map<string, Map<string, string>>();
  #size = 0;
  /** Those that were over last, and who waits for others. */
  readonly #finished = new Set<string>();
  readonly #waiting = new Set<(key: string) => void>();

  /** The id that a session is given for an upstream's. The same one every time, until that one is over. */
  expose(link: Owner, id: string, session: string): string {
    const key = keyOf(link, id);
    const asked = this.#byUpstream.get(key) ?? new Map<string, string>();
    const known = asked.get(session);
    if (known !== undefined) return known;
    const exposed = randomUUID();
    this.#byUpstream.set(key, asked.set(session, exposed));
    this.#size++;
    if (this.#size > LIMIT) this.#forgetOldest();
    return exposed;
  }

  /** An upstream's elicitation is over. @returns all who were asked under its id; nobody, the second time */
  take(link: Owner, id: string): Asked[] {
    this.#finish(JSON.stringify([link.upstream, id]));
    const key = keyOf(link, id);
    const asked = this.#byUpstream.get(key);
    if (!asked) return [];
    this.#byUpstream.delete(key);
    this.#size -= asked.size;
    return [...asked].map(([session, exposed]) => ({ session, exposed }));
  }

  /** Resolves when an upstream has said that these are over, or after `ms` milliseconds. */
  async over(upstream: string, ids: readonly string[], ms: number): Promise<void> {
    const open = new Set(ids.map((id) => JSON.stringify([upstream, id])).filter((key) => !this.#finished.has(key)));
    if (open.size === 0) return;
    await new Promise<void>((done) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(heard);
        done();
      };
      const heard = (key: string): void => {
        if (open.delete(key) && open.size === 0) end();
      };
      const timer = setTimeout(end, ms).unref();
      this.#waiting.add(heard);
    });
  }

  /** Forgets what a session was asked. */
  drop(session: string): void {
    for (const [key, asked] of this.#byUpstream) this.#remove(key, asked, session);
  }

  #finish(key: string): void {
    this.#finished.add(key);
    if (this.#finished.size > FINISHED) this.#finished.delete(this.#finished.keys().next().value!);
    for (const heard of [...this.#waiting]) heard(key);
  }

  #forgetOldest(): void {
    const [key, asked] = this.#byUpstream.entries().next().value!;
    this.#remove(key, asked, asked.keys().next().value!);
  }

  #remove(key: string, asked: Map<string, string>, session: string): void {
    if (!asked.delete(session)) return;
    this.#size--;
    if (asked.size === 0) this.#byUpstream.delete(key);
  }
}

const keyOf = ({ upstream, scope }: Owner, id: string): string => JSON.stringify([upstream, scope, id]);
