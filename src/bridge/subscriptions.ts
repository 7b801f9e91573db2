/** Who is subscribed to which resource, by the link that serves them. */
import type { LinkName } from '../upstreams/upstream-links.ts';

type Owner = Pick<LinkName, 'upstream' | 'scope'>;

interface Subscribed {
  /** The sessions that want to hear of it. */
  readonly sessions: Set<string>;
  /** Whether the upstream has agreed. */
  agreed: boolean;
}

/** What is subscribed to over one link, by URI. */
type OfLink = Map<string, Subscribed>;

export class Subscriptions {
  readonly #links = new Map<string, OfLink>();

  /** A session subscribes to an upstream's URI. @returns whether the upstream has to be told */
  add(link: Owner, uri: string, session: string): boolean {
    const uris: OfLink = this.#links.get(keyOf(link)) ?? new Map();
    this.#links.set(keyOf(link), uris);
    const subscribed = uris.get(uri) ?? { sessions: new Set(), agreed: false };
    uris.set(uri, subscribed);
    subscribed.sessions.add(session);
    return !subscribed.agreed;
  }

  /** The upstream has taken the subscription. */
  agreed(link: Owner, uri: string): void {
    const subscribed = this.#links.get(keyOf(link))?.get(uri);
    if (subscribed) subscribed.agreed = true;
  }

  /** A session unsubscribes. @returns whether it was the last one on this link */
  remove(link: Owner, uri: string, session: string): boolean {
    const uris = this.#links.get(keyOf(link));
    const sessions = uris?.get(uri)?.sessions;
    if (!sessions?.delete(session) || sessions.size > 0) return false;
    uris!.delete(uri);
    if (uris!.size === 0) this.#links.delete(keyOf(link));
    return true;
  }

  /** The URIs subscribed to over a link. */
  of(link: Owner): string[] {
    return [...(this.#links.get(keyOf(link))?.keys() ?? [])];
  }

  /** The sessions to tell that a URI has changed, which may lie below the one they subscribed to. */
  listeners(link: Owner, updated: string): Set<string> {
    const found = new Set<string>();
    for (const [uri, { sessions }] of this.#links.get(keyOf(link)) ?? []) {
      if (updated !== uri && !updated.startsWith(uri.endsWith('/') ? uri : `${uri}/`)) continue;
      for (const session of sessions) found.add(session);
    }
    return found;
  }

  /** Takes a session out everywhere. @returns what nobody is subscribed to any more */
  drop(session: string): { link: Owner; uri: string }[] {
    const left: { link: Owner; uri: string }[] = [];
    for (const [key, uris] of this.#links) {
      const [upstream, scope] = JSON.parse(key) as [string, string];
      for (const uri of [...uris.keys()])
        if (this.remove({ upstream, scope }, uri, session)) left.push({ link: { upstream, scope }, uri });
    }
    return left;
  }
}

const keyOf = ({ upstream, scope }: Owner): string => JSON.stringify([upstream, scope]);
