/** What the section `auth` must agree on with itself and with where Patchbay listens. */
import type { z } from 'zod';
import type { AuthMode, authSchema } from './auth.ts';
import type { Finding } from './finding.ts';
import { isLoopback } from './loopback.ts';
import { listenHost } from './text.ts';

/** The parts of a config file that the rules are about. */
export interface AuthSurroundings {
  readonly server: {
    readonly host: string;
    readonly publicUrl?: string | undefined;
    readonly trustProxy: readonly string[];
  };
  readonly storage: { readonly folder?: string | undefined };
  readonly auth: Shown<z.output<typeof authSchema>>;
}

type Shown<T> = T extends object ? { readonly [Key in keyof T]: Shown<T[Key]> } : T;

/** What keeps Patchbay from starting. */
export function* authRules(config: AuthSurroundings): Iterable<Finding> {
  yield* openOnlyOnLoopback(config);
  yield* noneAlone(config);
  yield* issuersNamed(config);
  yield* issuersOnce(config);
  yield* somebodySignsIn(config);
  yield* signInByHttps(config);
  yield* keysKept(config);
}

/** What is probably not meant. */
export function* authWarnings(config: AuthSurroundings): Iterable<Finding> {
  yield* openToAll(config);
  yield* tokensInTheClear(config);
  yield* unused(config);
  yield* oneAddressForAll(config);
}

const has = ({ auth: { mode } }: AuthSurroundings, ...modes: AuthMode[]): boolean =>
  modes.some((one) => mode.includes(one));

function* openOnlyOnLoopback(config: AuthSurroundings): Iterable<Finding> {
  const { host } = config.server;
  if (!has(config, 'none') || config.auth.insecure || isLoopback(host) || listenHost(host) !== undefined) return;
  yield {
    path: ['server', 'host'],
    message: 'can be reached by other machines, and auth.mode none lets everyone in',
    mend: 'listen on 127.0.0.1, or set auth.insecure: true if something in front of Patchbay checks who connects',
  };
}

function* noneAlone(config: AuthSurroundings): Iterable<Finding> {
  const { mode } = config.auth;
  if (!mode.includes('none') || mode.every((one) => one === 'none')) return;
  yield {
    path: ['auth', 'mode'],
    message: 'has none beside other modes, and with none nobody is asked to sign in',
    mend: `take none out to have people sign in, or write mode: none`,
    subject: 'none',
  };
}

function* issuersNamed(config: AuthSurroundings): Iterable<Finding> {
  for (const mode of ['jwt', 'introspection'] as const) {
    if (!has(config, mode) || config.auth[mode].length > 0) continue;
    yield {
      path: ['auth', 'mode'],
      message: `has ${mode}, and auth.${mode} names no issuer`,
      mend: `add one: ${mode}: [{ issuer: https://login.example.com, … }]; or take ${mode} out`,
      subject: 'none',
    };
  }
}

/** Of two entries for one issuer, only the first would ever be asked. */
function* issuersOnce({ auth }: AuthSurroundings): Iterable<Finding> {
  for (const mode of ['jwt', 'introspection'] as const) {
    const seen = new Set<string>();
    for (const [i, { issuer }] of auth[mode].entries()) {
      const key = issuer.replace(/\/$/, '');
      if (seen.has(key)) {
        const mend = 'keep one of the two; several audiences make a list';
        yield { path: ['auth', mode, i, 'issuer'], message: 'is named twice', mend };
      }
      seen.add(key);
    }
  }
}

function* somebodySignsIn(config: AuthSurroundings): Iterable<Finding> {
  const { passwords, federation } = config.auth.embedded;
  if (!has(config, 'embedded') || passwords || federation !== undefined) return;
  yield {
    path: ['auth', 'embedded', 'passwords'],
    message: 'nobody can sign in: passwords are off, and no provider is named',
    mend: 'set passwords: true, or name a provider under auth.embedded.federation',
    subject: 'none',
  };
}

/** Where the sign-in can be reached from another machine and yet is not by https, or may not be (RFC 9700 §2.6). */
function inTheClear({ server: { host, publicUrl } }: AuthSurroundings): boolean {
  if (publicUrl === undefined) return !isLoopback(host) && listenHost(host) === undefined;
  const url = URL.parse(publicUrl);
  return url !== null && url.protocol !== 'https:' && !isLoopback(url.hostname);
}

/** Passwords and codes pass through it, and clients refuse an authorization server without https (RFC 8414 §2). */
function* signInByHttps(config: AuthSurroundings): Iterable<Finding> {
  if (!has(config, 'embedded') || config.auth.insecure || !inTheClear(config)) return;
  const { publicUrl } = config.server;
  yield publicUrl === undefined
    ? {
        path: ['server', 'host'],
        message: 'can be reached by other machines, and it is not known by which https URL they sign in',
        mend: 'set server.publicUrl to the URL that clients use, such as https://mcp.example.com, or listen on 127.0.0.1',
      }
    : {
        path: ['server', 'publicUrl'],
        message: 'is not https, so that passwords and tokens could be read on their way',
        mend: 'put something that speaks https in front and write its URL, or set auth.insecure: true for a try',
      };
}

function* keysKept(config: AuthSurroundings): Iterable<Finding> {
  if (!has(config, 'apiKeys') || config.storage.folder !== 'none') return;
  yield {
    path: ['storage', 'folder'],
    message: 'is none, and auth.mode has apiKeys, which are kept there',
    mend: 'name a folder, or take apiKeys out',
  };
}

function* openToAll(config: AuthSurroundings): Iterable<Finding> {
  if (!has(config, 'none') || isLoopback(config.server.host)) return;
  yield {
    path: ['auth', 'insecure'],
    message: 'whoever can connect may use every upstream',
    mend: 'make sure that something in front of Patchbay checks who connects',
    subject: 'none',
  };
}

function* tokensInTheClear(config: AuthSurroundings): Iterable<Finding> {
  if (has(config, 'none') || !inTheClear(config)) return;
  yield {
    path: ['server', config.server.publicUrl === undefined ? 'host' : 'publicUrl'],
    message: 'tokens may pass through the network in the clear',
    mend: 'put something that speaks https in front, and set server.publicUrl to its URL',
    subject: 'none',
  };
}

function* unused(config: AuthSurroundings): Iterable<Finding> {
  const { jwt, introspection, embedded } = config.auth;
  const given = { jwt: jwt.length > 0, introspection: introspection.length > 0, embedded: embedded.federation };
  for (const mode of ['jwt', 'introspection', 'embedded'] as const) {
    if (!given[mode] || has(config, mode)) continue;
    yield {
      path: ['auth', mode],
      message: `this is not used, because auth.mode does not have ${mode}`,
      mend: `add ${mode} to auth.mode, or delete this`,
      subject: 'none',
    };
  }
}

/** Something else speaks https for Patchbay, and unless that is known, all requests seem to come from one client. */
function* oneAddressForAll(config: AuthSurroundings): Iterable<Finding> {
  const { publicUrl, trustProxy } = config.server;
  if (has(config, 'none') || trustProxy.length > 0 || !publicUrl?.startsWith('https:')) return;
  yield {
    path: ['server', 'publicUrl'],
    message:
      'what speaks https in front of Patchbay seems to be the one client there is, to limits and in the audit trail',
    mend: 'name its address in server.trustProxy, such as [127.0.0.1]',
    subject: 'none',
  };
}
