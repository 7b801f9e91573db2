/**
 * Fetches URLs that a token, a client or an issuer names, without becoming a way into private networks: https alone, each
 * address checked when it is connected to (so that a name which resolves to another address later gains nothing), each
 * redirect checked again, and an end to size and time.
 */
import { type LookupAddress, lookup as lookupName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { isLoopback } from '../config/loopback.ts';
import { isLoopbackAddress, isPublic, Networks } from './address-rules.ts';

export interface SafeFetchInit {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Longest body, bytes; default 256 KiB. */
  readonly maxBytes?: number;
  /** Longest time in all, redirects included, milliseconds; default 5 s. */
  readonly timeout?: number;
  /** Most redirects followed, of a GET alone and without its credentials; default none. */
  readonly redirects?: number;
  /** The admin wrote this URL, or the one that led here: it may be one of this machine, and http there. */
  readonly loopback?: boolean;
}

/**
 * @returns the answer with its whole body, whatever its status
 * @throws FetchRefused when the URL, an address or the answer is not to be had
 */
export type SafeFetch = (url: string | URL, init?: SafeFetchInit) => Promise<Response>;

export interface SafeFetchOptions {
  /** Networks that are let in beside the public ones (`auth.allowAddresses`). */
  readonly allow: readonly string[];
  /** Asked for all addresses of a name; default the resolver of the machine. */
  readonly resolve?: (name: string) => Promise<readonly LookupAddress[]>;
}

/** Why something was not fetched; the text is for the admin, not for clients. */
export class FetchRefused extends Error {
  /** `refused` is for good; the others may be better next time. */
  readonly why: 'refused' | 'unreachable' | 'timeout';

  constructor(why: FetchRefused['why'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'FetchRefused';
    this.why = why;
  }
}

const MAX_BYTES = 256 * 1024;
const TIMEOUT = 5_000;
const IDLE = 10_000;
const CONNECTIONS = 8;
const MAX_HEADERS = 16 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Statuses whose answers have no body. */
const BODILESS = new Set([204, 205, 304]);
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Makes the one function by which such URLs are fetched. */
export function createSafeFetch({ allow, resolve = resolveName }: SafeFetchOptions): SafeFetch {
  const allowed = new Networks(allow);
  // connections that were made under one rule are not used under another
  const strict = agentOf((host, address) => permitted(host, address, allowed, false), resolve);
  const local = agentOf((host, address) => permitted(host, address, allowed, true), resolve);
  return async (url, init = {}) => {
    const { maxBytes = MAX_BYTES, timeout = TIMEOUT, loopback = false } = init;
    const signal = AbortSignal.timeout(timeout);
    const start = parse(url);
    let at = start;
    let left = init.redirects ?? 0;
    let headers = init.headers;
    try {
      for (;;) {
        // what the admin wrote may lead to this machine; where it redirects to may only where it stays what he wrote
        const here = loopback && at.origin === start.origin;
        checkUrl(at, (address) => permitted(at.hostname, address, allowed, here));
        const answer = await request(at, {
          dispatcher: here ? local : strict,
          method: init.method ?? 'GET',
          headers: { accept: 'application/json', ...headers, 'accept-encoding': 'identity' },
          body: init.body ?? null,
          signal,
        });
        const next = redirectOf(answer, at);
        if (next === undefined) return await whole(answer, at, maxBytes);
        answer.body.on('error', () => undefined).destroy();
        if (left-- <= 0 || (init.method ?? 'GET') !== 'GET')
          throw new FetchRefused('refused', `${nameOf(at)} redirects, which is not followed here`);
        headers = withoutCredentials(headers);
        at = next;
      }
    } catch (error) {
      throw refusalOf(error, at, timeout);
    }
  };
}

function parse(url: string | URL): URL {
  const parsed = URL.parse(String(url));
  if (!parsed) throw new FetchRefused('refused', 'what was to be fetched is not a URL');
  return parsed;
}

/** What can be told before a name is resolved. */
function checkUrl(url: URL, may: (address: string) => string | undefined): void {
  const name = nameOf(url);
  if (url.username !== '' || url.password !== '')
    throw new FetchRefused('refused', `a URL at ${name} has a user name or password in it`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new FetchRefused('refused', `${name} is not https`);
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // addresses are connected to without being looked up
  const wrong = isIP(address) === 0 ? undefined : may(address);
  if (wrong !== undefined) throw new FetchRefused('refused', wrong);
}

/** @returns what is wrong with an address, if anything */
function permitted(host: string, address: string, allowed: Networks, local: boolean): string | undefined {
  if (isLoopback(host) && !isLoopbackAddress(address))
    return `${host} resolves to ${address}, which is not this machine`;
  if (local && isLoopback(host)) return undefined;
  if (isPublic(address) || (!address.includes('%') && allowed.has(address))) return undefined;
  const what = address === host.replace(/^\[(.*)\]$/, '$1') ? address : `${host} (${address})`;
  return `${what} is not a public address; if it is meant, add it to auth.allowAddresses`;
}

type Rule = (host: string, address: string) => string | undefined;

function agentOf(rule: Rule, resolve: NonNullable<SafeFetchOptions['resolve']>): Agent {
  const lookup: LookupFunction = (host, { all }, done) => {
    resolve(host).then(
      (found) => {
        const good = found.filter(({ address }) => rule(host, address) === undefined);
        const [first] = good;
        if (!first) {
          const wrong = found[0] && rule(host, found[0].address);
          return done(new FetchRefused('refused', wrong ?? `${host} has no address`), '');
        }
        // what was checked is what is connected to
        if (all) done(null, good);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };
  return new Agent({
    connect: { lookup, timeout: TIMEOUT },
    connections: CONNECTIONS,
    keepAliveTimeout: IDLE,
    keepAliveMaxTimeout: IDLE,
    maxHeaderSize: MAX_HEADERS,
  });
}

const resolveName = (name: string): Promise<readonly LookupAddress[]> =>
  new Promise((done, failed) => {
    lookupName(name, { all: true, verbatim: true }, (error, found) => (error ? failed(error) : done(found)));
  });

function redirectOf({ statusCode, headers }: Dispatcher.ResponseData, from: URL): URL | undefined {
  if (!REDIRECTS.has(statusCode)) return undefined;
  const to = typeof headers.location === 'string' ? URL.parse(headers.location, from) : null;
  if (!to) throw new FetchRefused('refused', `${nameOf(from)} redirects to what is not a URL`);
  return to;
}

const withoutCredentials = (headers: SafeFetchInit['headers'] = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name.toLowerCase())));

/** Reads to the end, or to the limit. */
async function whole(answer: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<Response> {
  const { statusCode, headers, body } = answer;
  const parts: Buffer[] = [];
  let size = 0;
  const refuse = (what: string): FetchRefused => {
    body.on('error', () => undefined).destroy();
    return new FetchRefused('refused', what);
  };
  // one that was compressed could unfold to any size
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw refuse(`${nameOf(url)} sends a compressed answer`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw refuse(tooLong(url, maxBytes));
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw refuse(tooLong(url, maxBytes));
    parts.push(part);
  }
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  const status = Math.max(200, Math.min(599, statusCode));
  const response = new Response(BODILESS.has(status) ? null : Buffer.concat(parts), { status, headers: fields });
  return Object.defineProperty(response, 'url', { value: url.href });
}

const tooLong = (url: URL, maxBytes: number): string => `${nameOf(url)} sends more than ${maxBytes} bytes`;

/** A URL as it may be logged: its query and its path may hold secrets. */
const nameOf = ({ protocol, host }: URL): string => `${protocol}//${host}`;

function refusalOf(error: unknown, url: URL, timeout: number): FetchRefused {
  if (error instanceof FetchRefused) return error;
  const { name, code, message, cause } = error as NodeJS.ErrnoException;
  if (cause instanceof FetchRefused) return cause;
  if (name === 'TimeoutError')
    return new FetchRefused('timeout', `${nameOf(url)} took longer than ${timeout} ms`, error);
  return new FetchRefused('unreachable', `${nameOf(url)} cannot be reached (${code ?? message})`, error);
}
