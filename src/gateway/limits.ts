/** How often something may be asked: by principals at the endpoint, by addresses where clients and people sign in. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addressKey } from '../auth/address-key.ts';
import { pageHeaders } from '../auth/server/pages/csp.ts';
import { waitPage } from '../auth/server/pages/wait.ts';
import { Fault } from '../errors.ts';
import { Rates } from '../methods/rates.ts';
import type { Tallies } from '../storage/tallies.ts';
import type { Audit } from '../telemetry/audit.ts';
import type { Door, SignInLimits } from './door.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Addresses that are counted; the ones unused for longest make room. */
const MOST = 20_000;

/** Lets a request through, or throws Fault `rateLimited`. */
export type Admit = (request: FastifyRequest) => void;

/**
 * Limits the requests of each principal.
 * @param door tells the one there is now
 * @param tallies brings the counts of several workers together
 * @returns `undefined` where everyone is the same one
 */
export function callLimit(door: () => Door, open: boolean, tallies: Tallies | undefined): Admit | undefined {
  if (open) return undefined;
  // every call is counted, so that it is done at once, without the framework
  const rates = new Rates('calls', tallies);
  const told = new Told();
  return (request) => {
    const { calls, audit } = door();
    if (calls === 0) return;
    const { key, subject, issuer, clientId } = request.principal;
    const wait = rates.take(key, { times: calls, per: MINUTE });
    if (wait === 0) return;
    if (told.first(key, wait))
      audit('limited', {
        limit: 'auth.limits.calls',
        principal: subject,
        issuer,
        client: clientId,
        address: request.ip,
      });
    const seconds = Math.ceil(wait / 1_000);
    throw new Fault('rateLimited', { limit: `auth.limits.calls is ${calls} a minute`, seconds });
  };
}

/** Routes of metadata and keys, which clients ask for often and which cost nothing. */
const FREE = /^\/(?:\.well-known\/|oauth\/jwks$)/;
const REGISTER = /^\/(?:oauth\/)?register$/;

/**
 * Limits the requests of each address to all routes of a scope but those of metadata and keys. To be called before there
 * are routes in it.
 * @param limits tells those there are now
 */
export async function limitSignIn(scope: FastifyInstance, limits: () => SignInLimits, audit: Audit): Promise<void> {
  await scope.register(rateLimit, { global: false, cache: MOST });
  const keyGenerator = ({ ip }: FastifyRequest): string => addressKey(ip);
  const limiter = (name: keyof SignInLimits, timeWindow: number) => ({
    name,
    count: scope.createRateLimit({ max: () => limits()[name], timeWindow, keyGenerator }),
  });
  const [all, registering] = [limiter('signIn', MINUTE), limiter('registrations', HOUR)];
  const told = new Told();
  scope.addHook('onRequest', async (request, reply) => {
    // the route that serves it, however its path is spelled
    const { url: route = '' } = request.routeOptions;
    if (request.method === 'OPTIONS' || FREE.test(route)) return undefined;
    for (const { name, count } of REGISTER.test(route) ? [all, registering] : [all]) {
      if (limits()[name] === 0) continue;
      const counted = await count(request);
      if (counted.isAllowed || !counted.isExceeded) continue;
      const limit = `auth.limits.${name}`;
      if (told.first(`${limit} ${counted.key}`, counted.ttl)) audit('limited', { limit, address: request.ip });
      return refuse(request, reply, Math.max(1, counted.ttlInSeconds));
    }
    return undefined;
  });
}

/** As an OAuth error (RFC 6749 §5.2), or as a page where a person looks at it. */
function refuse(request: FastifyRequest, reply: FastifyReply, seconds: number): FastifyReply {
  reply.code(429).header('retry-after', String(seconds)).header('cache-control', 'no-store');
  if (/\btext\/html\b/.test(request.headers.accept ?? '')) return reply.headers(pageHeaders()).send(waitPage(seconds));
  const text = `Too many requests from this address; try again in ${seconds} s.`;
  // a page that is a client must see that it is to wait
  reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', 'Retry-After');
  return reply.send({ error: 'temporarily_unavailable', error_description: text });
}

/** What was told a moment ago is not told again for as long as it lasts. */
class Told {
  readonly #until = new Map<string, number>();

  /** @param ms how long it lasts */
  first(key: string, ms: number): boolean {
    const now = Date.now();
    if ((this.#until.get(key) ?? 0) > now) return false;
    if (this.#until.size >= MOST) this.#until.clear();
    this.#until.set(key, now + ms);
    return true;
  }
}
