/** Who is subscribed to which resource, by the link that serves them. */
import type { LinkName } from '../upstreams/upstream-links.ts';

type Owner = Pick<LinkName, 'upstream' | 'scope'>;

/** The URIs subscribed to over one link, each with the sessions that want to hear of it. */
type OfLink = Map<string, Set<string>>;

export class Subscriptions {
  readonly #links = new Map<string, OfLink>();

  /** A session subscribes to an upstream's URI. @returns whether it is the first on this link */
  add(link: Owner, uri: string, session: string): boolean {
    const uris = this.#links.get(keyOf(link)) ?? new Map<string, Set<string>>();
    this.#links.set(keyOf(link), uris);
    const sessions = uris.get(uri) ?? new Set();
    uris.set(uri, sessions);
    sessions.add(session);
    return sessions.size === 1;
  }

  /** A session unsubscribes. @returns whether it was the last one on this link */
  remove(link: Owner, uri: string, session: string): boolean {
    const uris = this.#links.get(keyOf(link));
    const sessions = uris?.get(uri);
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
    for (const [uri, sessions] of this.#links.get(keyOf(link)) ?? []) {
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
