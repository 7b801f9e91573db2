/**
 * Ids of elicitations in URL mode. An upstream's are unique to it alone, so clients get ones made here; a notification
 * that one is over finds its way back to the one session that was asked.
 */
import { randomUUID } from 'node:crypto';
import type { LinkName } from '../upstreams/upstream-links.ts';

type Owner = Pick<LinkName, 'upstream' | 'scope'>;

interface Asked {
  readonly session: string;
  readonly exposed: string;
}

const LIMIT = 10_000;

export class ElicitationIds {
  readonly #byUpstream = new Map<string, Asked>();

  /** The id that a session is given for an upstream's. The same one every time. */
  expose(link: Owner, id: string, session: string): string {
    const key = keyOf(link, id);
    const known = this.#byUpstream.get(key);
    if (known?.session === session) return known.exposed;
    const exposed = randomUUID();
    this.#byUpstream.set(key, { session, exposed });
    if (this.#byUpstream.size > LIMIT) this.#byUpstream.delete(this.#byUpstream.keys().next().value!);
    return exposed;
  }

  /** Who was asked under an upstream's id. */
  find(link: Owner, id: string): Asked | undefined {
    return this.#byUpstream.get(keyOf(link, id));
  }

  /** Forgets what a session was asked. */
  drop(session: string): void {
    for (const [key, asked] of this.#byUpstream) if (asked.session === session) this.#byUpstream.delete(key);
  }
}

const keyOf = ({ upstream, scope }: Owner, id: string): string => JSON.stringify([upstream, scope, id]);
