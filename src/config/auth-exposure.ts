/** How the section `auth` fits with where Patchbay listens and what it keeps: who can reach it, by which URL, and who can sign in. */
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
export function* exposureProblems(config: AuthSurroundings): Iterable<Finding> {
  yield* openOnlyOnLoopback(config);
  yield* somebodySignsIn(config);
  yield* strangersAddresses(config);
  yield* signInByHttps(config);
  yield* keysKept(config);
}

/** What is probably not meant. */
export function* exposureWarnings(config: AuthSurroundings): Iterable<Finding> {
  yield* openToAll(config);
  yield* tokensInTheClear(config);
  yield* unused(config);
  yield* addressesUnused(config);
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

/** Issuers of Microsoft that everyone who has an account anywhere signs in at, with whatever address they gave themselves. */
const FOR_ALL = /^https:\/\/login\.microsoftonline\.com\/(common|organizations|consumers)(\/|$)/i;

function* strangersAddresses({ auth }: AuthSurroundings): Iterable<Finding> {
  const { federation } = auth.embedded;
  if (!federation?.trustEmail || !FOR_ALL.test(federation.issuer)) return;
  yield {
    path: ['auth', 'embedded', 'federation', 'trustEmail'],
    message: 'this issuer signs in people of all tenants, who can give themselves any address',
    mend: 'name the tenant in the issuer, https://login.microsoftonline.com/<tenant id>/v2.0, or set verifiedClaim: xms_edov instead',
    subject: 'none',
  };
}

/** Where the sign-in can be reached from another machine and yet is not by https, or may not be (RFC 9700 §2.6). */
function inTheClear({ server: { host, publicUrl } }: AuthSurroundings): boolean {
  if (publicUrl === undefined) return !isLoopback(host) && listenHost(host) === undefined;
  const url = URL.parse(publicUrl);
  return url !== null && url.protocol !== 'https:' && !isLoopback(url.hostname);
}

/**
 * Passwords and codes pass through it, and clients refuse an authorization server without https (RFC 8414 §2). Without a
 * public URL the sign-in is at a loopback address, whatever Patchbay listens on, and nobody's password leaves their machine.
 */
function* signInByHttps(config: AuthSurroundings): Iterable<Finding> {
  if (!has(config, 'embedded') || config.auth.insecure || !config.server.publicUrl || !inTheClear(config)) return;
  yield {
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
  const here = has(config, 'embedded') && config.server.publicUrl === undefined;
  yield {
    path: ['server', config.server.publicUrl === undefined ? 'host' : 'publicUrl'],
    subject: here ? 'value' : 'none',
    message: here
      ? 'lets other machines connect, from which nobody can sign in: it is not known by which https URL they would'
      : 'tokens may pass through the network in the clear',
    mend: here
      ? 'set server.publicUrl to the URL that clients use, such as https://mcp.example.com'
      : 'put something that speaks https in front, and set server.publicUrl to its URL',
  };
}

function* unused(config: AuthSurroundings): Iterable<Finding> {
  if (config.auth.embedded.federation === undefined || has(config, 'embedded')) return;
  yield {
    path: ['auth', 'embedded', 'federation'],
    message: 'has no effect, because auth.mode does not have embedded',
    mend: 'add embedded to auth.mode, or delete this',
    subject: 'none',
  };
}

function* addressesUnused({ auth }: AuthSurroundings): Iterable<Finding> {
  const { federation } = auth.embedded;
  if (!federation?.trustEmail || federation.domains.length > 0) return;
  yield {
    path: ['auth', 'embedded', 'federation', 'trustEmail'],
    message: 'has no effect, because no domains are named',
    mend: 'name them in auth.embedded.federation.domains, or delete this',
    subject: 'none',
  };
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
