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

export class ElicitationIds {
  /** By link and upstream's id: what each session was shown. */
  readonly #byUpstream = new Map<string, Map<string, string>>();
  #size = 0;

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
    const key = keyOf(link, id);
    const asked = this.#byUpstream.get(key);
    if (!asked) return [];
    this.#byUpstream.delete(key);
    this.#size -= asked.size;
    return [...asked].map(([session, exposed]) => ({ session, exposed }));
  }

  /** Forgets what a session was asked. */
  drop(session: string): void {
    for (const [key, asked] of this.#byUpstream) this.#remove(key, asked, session);
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
