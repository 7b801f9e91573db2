/** The OpenID provider of a company: a real `oidc-provider` on 127.0.0.1, at which people are signed in without being asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const SECRET = 'what only the two know';

export interface Company {
  readonly url: string;
  /** Who signs in there next, with what the provider says of them; `undefined` denies. */
  user: ({ readonly sub: string } & Readonly<Record<string, unknown>>) | undefined;
  /** The queries of the authorization requests that came. */
  readonly asked: Record<string, string>[];
  /** All that it handed out: codes and tokens. */
  readonly secrets: string[];
  /** What the ID tokens that it handed out said. */
  readonly idTokens: JWTPayload[];
  /** What its ID tokens say otherwise, and what they are signed with in place of its own key. */
  forge: { readonly claims?: JWTPayload; readonly key?: CryptoKey } | undefined;
  /** Whether its token endpoint answers that something broke. */
  trouble: boolean;
  down(): Promise<void>;
  up(): Promise<void>;
}

/** @param inIdToken whether ID tokens hold what is known of the user beside the userinfo endpoint, or which claims they do */
export async function startCompany(
  redirectUri: () => string,
  inIdToken: boolean | readonly string[],
): Promise<Company> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'company', alg: 'RS256', use: 'sig' };
  const server = createServer();
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  let running: Provider | undefined;
  const company: Company = {
    url,
    user: undefined,
    asked: [],
    secrets: [],
    idTokens: [],
    forge: undefined,
    trouble: false,
    down: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
    up: () => listen(port),
  };
  // begins when the redirect URI is known
  const provider = (): Provider => {
    running ??= new Provider(url, {
      clients: [{ client_id: 'patchbay', client_secret: SECRET, redirect_uris: [redirectUri()] }],
      cookies: { keys: ['company'] },
      jwks: { keys: [jwk] },
      scopes: ['openid', 'email', 'profile'],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups', 'xms_edov'] },
      conformIdTokenClaims: inIdToken === false,
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
      findAccount: (_ctx, sub) => ({
        accountId: sub,
        claims: (use) => {
          const all = { ...company.user, sub };
          if (use !== 'id_token' || typeof inIdToken === 'boolean') return all;
          return { sub, ...Object.fromEntries(Object.entries(all).filter(([name]) => inIdToken.includes(name))) };
        },
      }),
      loadExistingGrant: async (ctx) => {
        const grant = new ctx.oidc.provider.Grant({
          accountId: ctx.oidc.session!.accountId!,
          clientId: ctx.oidc.client!.clientId,
        });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    return running;
  };
  const forged = async (body: string): Promise<string> => {
    const answer = JSON.parse(body) as { id_token?: string };
    if (answer.id_token === undefined) return body;
    const claims = { ...decodeJwt(answer.id_token), ...company.forge?.claims };
    company.idTokens.push(claims);
    if (!company.forge) return body;
    const header = { alg: 'RS256', kid: 'company' };
    const signed = new SignJWT(claims).setProtectedHeader(header).sign(company.forge.key ?? privateKey);
    return JSON.stringify({ ...answer, id_token: await signed });
  };
  server.on('request', (req, res) => {
    const at = new URL(req.url!, url);
    if (at.pathname === '/auth') company.asked.push(Object.fromEntries(at.searchParams));
    if (at.pathname === '/token' && company.trouble) return void res.writeHead(500).end();
    const end = res.end.bind(res) as (body?: unknown) => void;
    Object.assign(res, {
      end: async (...[given]: unknown[]) => {
        const body = at.pathname === '/token' ? await forged(String(given)) : given;
        for (const [, secret] of String(body).matchAll(/"(?:access_token|id_token|refresh_token)":"([^"]+)"/g))
          company.secrets.push(secret!);
        const code = URL.parse(String(res.getHeader('location') ?? ''))?.searchParams.get('code');
        if (code) company.secrets.push(code);
        if (typeof body === 'string') res.setHeader('content-length', Buffer.byteLength(body));
        end(body);
      },
    });
    if (!at.pathname.startsWith('/login/')) return void provider().callback()(req, res);
    const { user } = company;
    const result = user
      ? { login: { accountId: user.sub } }
      : { error: 'access_denied', error_description: 'the person said no' };
    void provider().interactionFinished(req, res, result);
  });
  return company;
}
