/** What an issuer says of itself: where its keys are, where tokens are asked for (RFC 8414, OpenID Connect Discovery). */
import { isLoopback } from '../config/loopback.ts';
import { FetchRefused, type SafeFetch } from './safe-fetch.ts';

export type Metadata = Readonly<Record<string, unknown>>;

/** Well-known documents are moved, now and then; more often than this is a loop. */
const REDIRECTS = 3;

/** Whether an issuer is on this machine, because the admin wrote it so. */
export const isLocal = (url: string): boolean => isLoopback(new URL(url).hostname);

/**
 * Where the metadata of an issuer may be, in the order in which it is looked for: with a path in the issuer, it goes
 * behind the well-known one (RFC 8414 §3.1) or before it (OpenID Connect Discovery §4).
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(urls)];
}

/**
 * Fetches the metadata of an issuer. A document that names another issuer is not believed (RFC 8414 §3.3).
 * @param need a member that must be there
 * @throws FetchRefused with what is wrong, for the admin
 */
export async function fetchMetadata(safeFetch: SafeFetch, issuer: string, need: string): Promise<Metadata> {
  let problem = new FetchRefused('unreachable', `${issuer} has no metadata`);
  for (const url of metadataUrls(issuer)) {
    try {
      const response = await safeFetch(url, { redirects: REDIRECTS, loopback: isLocal(issuer) });
      if (!response.ok) continue;
      const document = asObject(await response.json().catch(() => undefined));
      if (!document) continue;
      if (document.issuer !== issuer) {
        const found = JSON.stringify(document.issuer)?.slice(0, 200) ?? 'nothing';
        problem = new FetchRefused(
          'refused',
          `the metadata of ${issuer} is that of ${found}; write the issuer as it calls itself`,
        );
      } else if (typeof document[need] === 'string' && URL.canParse(document[need])) return document;
      else problem = new FetchRefused('refused', `the metadata of ${issuer} has no ${need}`);
    } catch (error) {
      // nothing else at that address will be any better
      if (!(error instanceof FetchRefused) || error.why !== 'refused') throw error;
      problem = error;
    }
  }
  throw problem;
}

/** A JSON object, or `undefined` for anything else. */
export const asObject = (value: unknown): Metadata | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Metadata) : undefined;
