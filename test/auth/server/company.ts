/** The OpenID provider of a company: a real `oidc-provider` on 127.0.0.1, at which people are signed in without being asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  down(): Promise<void>;
  up(): Promise<void>;
}

/** @param inIdToken whether ID tokens hold what is known of the user, beside the userinfo endpoint */
export async function startCompany(redirectUri: () => string, inIdToken: boolean): Promise<Company> {
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
      scopes: ['openid', 'email', 'profile'],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
      conformIdTokenClaims: !inIdToken,
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
      findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...company.user, sub }) }),
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
  server.on('request', (req, res) => {
    const at = new URL(req.url!, url);
    if (at.pathname === '/auth') company.asked.push(Object.fromEntries(at.searchParams));
    const end = res.end.bind(res);
    Object.assign(res, {
      end: (...args: unknown[]) => {
        for (const [, secret] of String(args[0]).matchAll(/"(?:access_token|id_token|refresh_token)":"([^"]+)"/g))
          company.secrets.push(secret!);
        const code = URL.parse(String(res.getHeader('location') ?? ''))?.searchParams.get('code');
        if (code) company.secrets.push(code);
        return (end as (...all: unknown[]) => unknown)(...args);
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
