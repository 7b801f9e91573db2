/**
 * The identity provider of a company: a real `oidc-provider` on 127.0.0.1, whose tokens tests make without a browser. In
 * front of it, a test may answer a path itself.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const CLIENT = 'host';
export const GATEWAY = { clientId: 'patchbay', clientSecret: 'a secret: with/odd+characters%' };

export interface TokenOptions {
  readonly user?: string;
  readonly client?: string;
  /** Default: the resource that was given when the issuer was started. */
  readonly audience?: string;
  readonly scope?: string;
  /** Seconds. */
  readonly lifetime?: number;
  readonly format?: 'jwt' | 'opaque';
  /** Thumbprint of the key it is bound to. */
  readonly jkt?: string;
  readonly claims?: Record<string, unknown>;
}

export interface Issuer {
  readonly url: string;
  readonly port: number;
  /** The paths of the requests that came so far, with their methods: `GET /jwks`. */
  readonly requests: string[];
  /** Answers a path in place of the provider, for as long as it is there. */
  readonly overrides: Map<string, (req: IncomingMessage, res: ServerResponse) => void>;
  /** The private key of the provider, for tokens that it would not make. */
  readonly key: CryptoKey;
  readonly kid: string;
  /** An access token as the provider makes it. */
  token(options: TokenOptions): Promise<string>;
  /** A refresh token of the same user. */
  refreshToken(user: string): Promise<string>;
  /** Takes back all tokens of a user. */
  revoke(user: string): Promise<void>;
  /** A token with any claims and header, signed with the provider's key. */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Stops to listen, as one that is down; the state stays. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param options.path of the issuer, such as `/realms/company`
 * @param options.port default any free one
 */
export async function startIssuer({ path = '', port: asked = 0 } = {}): Promise<Issuer> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = 'first';
  const jwk: JWK = { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
  const requests: string[] = [];
  const overrides: Issuer['overrides'] = new Map();
  let handle: (req: IncomingMessage, res: ServerResponse) => void = () => undefined;
  const server = createServer((req, res) => {
    const [pathname = ''] = (req.url ?? '').split('?', 1);
    requests.push(`${req.method} ${pathname}`);
    const own = overrides.get(pathname);
    if (own) return own(req, res);
    if (path !== '' && req.url?.startsWith(path)) {
      // the provider takes its path from what stands before
      Object.assign(req, { originalUrl: req.url });
      req.url = req.url.slice(path.length) || '/';
    }
    handle(req, res);
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  await listen(asked);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${path}`;
  /** What tokens say beside the usual. */
  const extra = new WeakMap<object, Record<string, unknown>>();
  const provider = new Provider(url, {
    jwks: { keys: [jwk as never] },
    clients: [
      { client_id: CLIENT, token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/cb'] },
      { client_id: 'other', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/cb'] },
      {
        client_id: GATEWAY.clientId,
        client_secret: GATEWAY.clientSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: [],
        grant_types: [],
        response_types: [],
      },
    ],
    extraTokenClaims: async (_ctx, token) => extra.get(token),
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true },
      resourceIndicators: { enabled: true },
    },
  });
  handle = provider.callback();
  const grants = new Map<string, string>();
  const grantOf = async (user: string, client: string): Promise<string> => {
    const name = `${user} ${client}`;
    const id = grants.get(name) ?? (await new provider.Grant({ accountId: user, clientId: client }).save());
    grants.set(name, id);
    return id;
  };

  const issuer: Issuer = {
    url,
    port,
    requests,
    overrides,
    key: privateKey,
    kid,
    token: async ({
      user = 'alice',
      client = CLIENT,
      audience,
      scope = '',
      lifetime = 600,
      format = 'jwt',
      jkt,
      claims,
    }) => {
      const found = (await provider.Client.find(client))!;
      const grantId = await grantOf(user, client);
      const token = new provider.AccessToken({
        accountId: user,
        client: found,
        grantId,
        gty: 'authorization_code',
        scope,
        expiresIn: lifetime,
      } as never);
      if (claims) extra.set(token, claims);
      if (audience !== undefined) {
        const info = {
          scope,
          audience,
          accessTokenTTL: lifetime,
          accessTokenFormat: format,
          jwt: { sign: { alg: 'RS256' } },
        };
        token.resourceServer = new provider.ResourceServer(audience, info as never) as never;
      }
      if (jkt !== undefined) Object.assign(token, { jkt });
      return token.save();
    },
    refreshToken: async (user) => {
      const client = (await provider.Client.find(CLIENT))!;
      const grantId = await grantOf(user, CLIENT);
      const token = new provider.RefreshToken({
        accountId: user,
        client,
        grantId,
        gty: 'authorization_code',
        scope: 'offline_access',
      } as never);
      return token.save();
    },
    revoke: async (user) => {
      for (const [name, id] of grants) {
        if (!name.startsWith(`${user} `)) continue;
        await provider.AccessToken.revokeByGrantId(id);
        grants.delete(name);
      }
    },
    sign: (claims, header = {}) =>
      new SignJWT({ iss: url, sub: 'alice', client_id: CLIENT, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt', ...header })
        .sign(privateKey),
    down: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
    up: () => listen(port),
    close: async () => {
      if (server.listening) await issuer.down();
    },
  };
  return issuer;
}

/** Seconds since 1970, as claims have them. */
export const seconds = (fromNow = 0): number => Math.floor(Date.now() / 1_000) + fromNow;
