/**
 * Patchbay as it runs in production: tokens of an issuer checked, requests counted against limits, scopes and a policy asked,
 * figures kept for Prometheus, an audit trail and a log written.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const AUDIENCE = 'bench';

/** An issuer as far as it takes part: it has keys, and tokens. */
export interface Issuer extends AsyncDisposable {
  /** The section `auth` that trusts it. */
  readonly auth: object;
  readonly token: string;
  readonly url: string;
  readonly audience: string;
}

/** Starts one in this process, which is not measured. */
export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' }] });
  const server = createServer((_req, res) => res.setHeader('content-type', 'application/json').end(keys));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // what tokens of identity providers hold, and as long as they are
  const claims = {
    scope: 'openid profile email mcp',
    groups: ['staff', 'engineering'],
    name: 'A. User',
    sid: 'x'.repeat(36),
  };
  const token = await new SignJWT({ ...claims, client_id: 'bench-load' })
    .setProtectedHeader({ alg: 'RS256', kid: 'bench', typ: 'at+jwt' })
    .setIssuer(url)
    .setSubject('00u1abcd2EFGH3ijk4x7')
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime('6h')
    .setJti(crypto.randomUUID())
    .sign(privateKey);
  // requests are counted as always, against a limit that one client does not reach
  const limits = { calls: 10_000_000 };
  const auth = { mode: 'jwt', jwt: [{ issuer: url, jwksUri: `${url}/jwks`, audience: AUDIENCE }], limits };
  return {
    auth,
    token,
    url,
    audience: AUDIENCE,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Everything on. */
export function productionConfig({ auth }: Issuer): Readonly<Record<string, object>> {
  const scopes = {
    required: ['mcp'],
    rules: [
      { methods: ['tools/call'], upstreams: ['other'], scopes: ['other:write'] },
      { methods: ['tools/call'], items: ['delete_*'], scopes: ['mcp:delete'] },
    ],
  };
  const policy = [
    { allow: ['*'], groups: ['staff'] },
    { name: 'no deletions', deny: ['*/delete_*'], kinds: ['tools'], unless: { groups: ['admins'] } },
  ];
  return { auth: { ...auth, scopes }, policy, server: { metrics: true } };
}
