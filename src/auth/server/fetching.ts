/** How the server fetches what clients name: their metadata documents and keys. */
import type { Logger } from '../../telemetry/log.ts';
import type { SafeFetch } from '../safe-fetch.ts';
import { Provider } from './oidc-provider.ts';
import { shapeClient } from './shaping.ts';

const MAX_BYTES = 64 * 1_024;
const TIMEOUT = 5_000;

type Fetch = (
  url: string | URL,
  init?: { headers?: ConstructorParameters<typeof Headers>[0]; method?: string },
) => Promise<Response>;

/** A document of a client is shaped as a registration is. Nothing is fetched twice for one request. */
export function fetchFor(safeFetch: SafeFetch, log: Logger): Fetch {
  const fetchOne: Fetch = async (url, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers).entries());
    try {
      const answer = await safeFetch(url, { headers, maxBytes: MAX_BYTES, timeout: TIMEOUT });
      const type = answer.headers.get('content-type') ?? '';
      if (answer.status !== 200 || !/\bjson\b/.test(type)) return answer;
      const document = (await answer.json()) as Record<string, unknown>;
      const shaped = document?.client_id === String(url) ? shapeClient(document) : document;
      const kept = new Headers({ 'content-type': 'application/json' });
      for (const name of ['cache-control', 'expires']) {
        const value = answer.headers.get(name);
        if (value !== null) kept.set(name, value);
      }
      return new Response(JSON.stringify(shaped), { headers: kept });
    } catch (error) {
      log.info(
        { host: URL.parse(String(url))?.host, err: (error as Error).message },
        'what a client named was not fetched',
      );
      throw error;
    }
  };
  // a client that cannot be found is looked for again when it is told so
  const asked = new WeakMap<object, Map<string, Promise<Response>>>();
  return async (url, init) => {
    const request = Provider.ctx;
    if (!request) return fetchOne(url, init);
    const known = asked.get(request) ?? new Map<string, Promise<Response>>();
    asked.set(request, known);
    const answer = known.get(String(url)) ?? fetchOne(url, init);
    known.set(String(url), answer);
    return (await answer).clone();
  };
}
