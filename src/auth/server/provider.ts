/** The authorization server itself: oidc-provider, configured for what MCP clients do (2026-07-28, authorization; OAuth 2.1). */
import type { Configuration, KoaContextWithOIDC, Provider as ProviderType } from 'oidc-provider';
import type { Config } from '../../config/schema.ts';
import type { Vault } from '../../storage/vault.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Addresses } from '../addresses.ts';
import { MCP_PATH, type Profiles } from '../profiles.ts';
import type { SafeFetch } from '../safe-fetch.ts';
import type { Accounts } from './accounts.ts';
import { type AdapterOptions, createAdapters } from './adapter.ts';
import { fetchFor } from './fetching.ts';
import { errors, interactionPolicy, Provider, quieten } from './oidc-provider.ts';
import { pageHeaders } from './pages/csp.ts';
import { errorPage } from './pages/error.ts';
import { leavePage } from './pages/leave.ts';
import { isRunnable, opensApp } from './pages/schemes.ts';
import { askForUse, EVERYTHING, isLoopbackUri } from './shaping.ts';
import type { SigningKey } from './signing-keys.ts';

export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  jwks: '/oauth/jwks',
  userinfo: '/oauth/userinfo',
} as const;
export const INTERACTION = '/oauth/interaction';
/** The member of access tokens that names the grant behind them. */
export const GRANT_CLAIM = 'gid';

export interface ProviderOptions {
  readonly addresses: Addresses;
  readonly profiles: Profiles;
  /** Scopes that tokens may have, beside those of the settings. */
  readonly scopes: readonly string[];
  readonly settings: Config['auth'];
  readonly keys: readonly SigningKey[];
  readonly vault: Vault;
  readonly adapters: AdapterOptions;
  readonly accounts: Accounts;
  readonly safeFetch: SafeFetch;
  readonly log: Logger;
}

const SECOND = 1_000;
const INTERACTION_TTL = 600;
const CODE_TTL = 60;
/** What a user has allowed is asked for again after so long; what is unused ends with its tokens, seconds. */
const GRANT_TTL = 400 * 86_400;
const DOCUMENT_CACHE = { min: 60, max: 3_600 };

/** Scopes that tokens may have. */
export function scopesOf({ scopes }: Config['auth'], also: readonly string[]): readonly string[] {
  const named = [
    scopes.required,
    ...scopes.rules.map((rule) => rule.scopes),
    ...Object.entries(scopes.includes).flat(),
    also,
  ];
  return [...new Set([EVERYTHING, ...named.flat()])];
}

export function createProvider(options: ProviderOptions): ProviderType {
  const { addresses, settings, keys, vault, accounts, log } = options;
  const { embedded } = settings;
  const scopes = scopesOf(settings, options.scopes);
  const cookie = {
    httpOnly: true,
    sameSite: 'lax',
    secure: addresses.base.startsWith('https:'),
    signed: true,
  } as const;
  const configuration: Configuration = {
    adapter: createAdapters(options.adapters),
    jwks: { keys: keys.map(({ jwk }) => jwk) as never },
    clientDefaults: { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    scopes: ['openid', 'offline_access', 'profile', 'email', ...scopes],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email'] },
    cookies: {
      keys: [vault.index('cookies')],
      names: cookieNames(addresses.base),
      long: cookie,
      short: cookie,
    },
    pkce: { required: () => true },
    extraClientMetadata: { properties: ['redirect_uris'], validator: (_ctx, _name, uris) => checkRedirectUris(uris) },
    routes: ROUTES,
    ttl: {
      AccessToken: embedded.accessToken / SECOND,
      AuthorizationCode: CODE_TTL,
      IdToken: embedded.accessToken / SECOND,
      RefreshToken: embedded.refreshToken / SECOND,
      Grant: GRANT_TTL,
      Interaction: INTERACTION_TTL,
      Session: embedded.browser / SECOND,
    },
    // asked before the token is used up, and so the place to refuse what it is not good for
    rotateRefreshToken: async (ctx) => {
      checkResource(ctx);
      return true;
    },
    // a client that is done with one of its tokens is done with all that the user allowed then (RFC 7009 §2.1)
    revokeGrantPolicy: async () => true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    clientBasedCORS: () => true,
    extraTokenClaims: async (_ctx, token) => {
      const person = 'accountId' in token && token.accountId !== undefined ? accounts.find(token.accountId) : undefined;
      return { [GRANT_CLAIM]: 'grantId' in token ? token.grantId : undefined, groups: person?.groups };
    },
    findAccount: async (_ctx, id) => {
      const person = accounts.find(id);
      if (!person) return undefined;
      const { label, name, email, groups } = person;
      return {
        accountId: id,
        claims: async () => ({ sub: id, name, preferred_username: label, email, groups: [...groups] }),
      };
    },
    interactions: {
      policy: policy(),
      url: (_ctx, { uid }) => `${addresses.path}${INTERACTION}/${uid}`,
    },
    renderError: (ctx, out) => renderError(ctx, out),
    fetch: fetchFor(options.safeFetch, log) as never,
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
      dPoP: { enabled: true },
      // a registration is not managed later (RFC 7592), so that no client is told of a place and a token for it
      registration: { enabled: embedded.registration.dynamic, issueRegistrationAccessToken: false } as never,
      pushedAuthorizationRequests: { enabled: false },
      clientIdMetadataDocument: {
        enabled: embedded.registration.documents,
        ack: 'draft-02',
        cacheDuration: DOCUMENT_CACHE,
      } as never,
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => oneOf?.[0] ?? `${addresses.base}${MCP_PATH}`,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, resource) => {
          const known = [...options.profiles.all()].some(({ path }) => addresses.isEndpoint(resource, path));
          if (!known) throw new errors.InvalidTarget();
          return {
            scope: scopes.join(' '),
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: embedded.accessToken / SECOND,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
  };
  quieten(log);
  const provider = new Provider(addresses.base, configuration);
  // where clients come from is configured, and told by headers that the mount sets anew for every request
  provider.proxy = true;
  provider.use(askForUse(scopes, settings.scopes.required) as never);
  provider.use(handOver as never);
  provider.on('server_error', (_ctx, error) => log.error({ err: error }, 'the sign-in failed'));
  return provider;
}

/** Whoever was signed in to a browser and is not there any more signs in anew. */
function policy(): ReturnType<typeof interactionPolicy.base> {
  const { base, Check } = interactionPolicy;
  const prompts = base();
  const gone = new Check('no_account', 'the user is not there any more', ({ oidc }) =>
    oidc.session?.accountId !== undefined && !oidc.account ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
  );
  prompts.get('login')!.checks.add(gone);
  return prompts;
}

/**
 * A refresh token is good for the resource that it was made for (RFC 8707 §2.2). A client that asks for another one by
 * mistake must not lose its token by that.
 * @throws InvalidTarget
 */
function checkResource({ oidc }: KoaContextWithOIDC): void {
  const asked = [oidc.params?.resource ?? []].flat();
  const granted = oidc.entities.RefreshToken?.resourceIndicators;
  if (asked.length > 1 || asked.some((one) => !granted?.has(String(one)))) throw new errors.InvalidTarget();
}

/**
 * Names of cookies. With https, that of the session is one that a browser takes from this very host alone (RFC 6265bis
 * §4.1.3.2). Without it there may be several gateways on a machine, whose ports a browser does not tell apart.
 */
export function cookieNames(base: string): { session: string; interaction: string; resume: string } {
  const { protocol, port } = new URL(base);
  if (protocol === 'https:')
    return { session: '__Host-patchbay', interaction: 'patchbay_step', resume: 'patchbay_resume' };
  const own = (name: string): string => `${name}_${port || '80'}`;
  return { session: own('patchbay'), interaction: own('patchbay_step'), resume: own('patchbay_resume') };
}

/** Some schemes that the library lets through lead to no app. @throws CustomOIDCProviderError */
function checkRedirectUris(uris: unknown): void {
  for (const uri of Array.isArray(uris) ? uris : []) {
    const { protocol = '' } = URL.parse(String(uri)) ?? {};
    if (isRunnable(protocol))
      throw new errors.CustomOIDCProviderError('invalid_redirect_uri', `redirect_uris must not use ${protocol}`);
  }
}

/** Browsers stay on the page when an address opens an app: it gets a page of its own instead of a redirect. */
async function handOver(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next();
  const location = ctx.response.get('location');
  if (location === '' || !opensApp(location)) return;
  ctx.remove('location');
  ctx.status = 200;
  ctx.set(pageHeaders());
  ctx.body = leavePage({ uri: location });
}

/** What went wrong before it was clear where an answer could go. */
function renderError(
  ctx: KoaContextWithOIDC,
  { error, error_description: description }: { error: string; error_description?: string | undefined },
): void {
  ctx.set(pageHeaders());
  ctx.body = errorPage({
    title: 'This sign-in cannot go on',
    text: sentence(description ?? error),
    mend: 'Go back to your app and connect again. If it happens again, tell its makers what is written above.',
  });
}

const sentence = (text: string): string => {
  const trimmed = text.trim().replace(/[.\s]+$/, '');
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`;
};

/** Where an answer goes, for people. */
export function redirectView(uri: string): { host: string; loopback: boolean; uri: string } {
  return { host: URL.parse(uri)?.host ?? '', loopback: isLoopbackUri(uri), uri };
}
