/** What hosts send that the server would not take, made into what they mean. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { METRICS } from '../scopes.ts';

/** The scope that stands for all that a user may do; asked for where a client asks for none. */
export const EVERYTHING = 'mcp';

type Metadata = Record<string, unknown>;

const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/?#]|$)/i;
/** Grants that are served. */
const GRANTS = new Set(['authorization_code', 'refresh_token']);
/** Members of a registration that mean something here; the others are left out (RFC 7591 §2). */
const KNOWN = new Set([
  'client_id',
  'client_name',
  'client_uri',
  'redirect_uris',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'contacts',
  'software_id',
  'software_version',
]);
/** Members that a document of a client must not have; they are kept so that it is refused for them. */
const FORBIDDEN = new Set(['client_secret', 'client_secret_expires_at']);

/**
 * Metadata of a client as it is taken here. Hosts call themselves web applications and list addresses of apps, or the other
 * way round: what they are follows from where their answers go. What they ask for beyond codes and refreshing is left out,
 * as well as pictures and documents, which are shown nowhere.
 */
export function shapeClient(given: Metadata): Metadata {
  const kept = Object.entries(given).filter(([name]) => KNOWN.has(name) || FORBIDDEN.has(name));
  const shaped: Metadata = Object.fromEntries(kept);
  for (const name of ['logo_uri', 'policy_uri', 'tos_uri', 'contacts', 'software_id', 'software_version'])
    delete shaped[name];
  const uris = Array.isArray(given.redirect_uris) ? given.redirect_uris.map(String) : [];
  const grants = Array.isArray(given.grant_types) ? given.grant_types.filter((one) => GRANTS.has(String(one))) : [];
  return {
    ...shaped,
    application_type: uris.some((uri) => !/^https:/i.test(uri)) ? 'native' : 'web',
    grant_types: grants.length > 0 ? [...new Set(['authorization_code', ...grants])] : [...GRANTS],
    response_types: ['code'],
    token_endpoint_auth_method: given.token_endpoint_auth_method ?? 'none',
    ...(webPage(given.client_uri) ? {} : { client_uri: undefined }),
  };
}

const webPage = (uri: unknown): boolean => typeof uri === 'string' && /^https:\/\//i.test(uri) && URL.canParse(uri);

/** Whether an answer to this address goes to a program of the user's own computer. */
export const isLoopbackUri = (uri: string): boolean => LOOPBACK.test(uri);

/**
 * Asks for the use of all that needs no scope of its own, beside what a client asks for: a token is good for that whatever
 * else it says, and so the user is told. Where every token must have certain scopes, these say it. Figures alone are nothing
 * of that.
 * @param scopes that say what a token is good for
 * @param required those that every token must have
 */
export function askForUse(scopes: readonly string[], required: readonly string[]) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const { scope = '', prompt } = ctx.query;
    // accounts are chosen by signing in
    if (typeof prompt === 'string' && prompt.includes('select_account'))
      ctx.query = {
        ...ctx.query,
        prompt: prompt.includes('login') ? 'login' : prompt.replace('select_account', 'login'),
      };
    if (ctx.path.endsWith('/authorize') && ctx.method === 'GET' && typeof scope === 'string') {
      const asked = scope.split(' ').filter((one) => one !== '');
      const told = required.length > 0 ? asked.some((one) => scopes.includes(one)) : asked.includes(EVERYTHING);
      const use = told || (asked.length === 1 && asked[0] === METRICS);
      if (!use) ctx.query = { ...ctx.query, scope: [...asked, EVERYTHING].join(' ') };
    }
    await next();
  };
}
