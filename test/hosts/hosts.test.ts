/**
 * What hosts do when a user pastes the URL, request by request: where they look, what they register, where they want the
 * answer. The bodies are those that the hosts' sources, their makers or logs of servers show.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import { claimsOf, HELLO, Host, type ResourceMetadata, type ServerMetadata, type Tokens } from './host.ts';

const RESOURCE = '/.well-known/oauth-protected-resource';
const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';

let gateway: SignInGateway;

beforeAll(async () => {
  gateway = await startSignInGateway();
}, 60_000);
afterAll(() => gateway?.stop());

/** The endpoint takes the token; a session of the version is opened with it. */
const works = async (host: Host, { access_token: token }: Tokens, version: string): Promise<void> => {
  const response = await host.post(HELLO.legacy(version), { authorization: `Bearer ${token}` });
  expect({ status: response.status, text: await response.text() }).toEqual({
    status: 200,
    text: expect.stringContaining(`"protocolVersion":"${version}"`),
  });
};

const worksModern = async (host: Host, { access_token: token }: Tokens): Promise<void> => {
  const response = await host.post(HELLO.modern, {
    authorization: `Bearer ${token}`,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'server/discover',
  });
  expect({ status: response.status, text: await response.text() }).toEqual({
    status: 200,
    text: expect.stringContaining('supportedVersions'),
  });
};

describe('Claude', () => {
  const CALLBACK = 'https://claude.ai/api/mcp/auth_callback';
  const WEB = {
    client_name: 'Claude',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'mcp',
  };

  test('on the web: by the challenge, and registered twice for one connector', async () => {
    const host = new Host(gateway, { 'user-agent': 'python-httpx/0.28.1' });
    const { resource, authorization_servers } = await host.document<ResourceMetadata>(
      await host.refused(HELLO.legacy('2025-11-25')),
    );
    expect(resource).toBe(gateway.url);
    expect(authorization_servers).toEqual([gateway.base]);
    const metadata = await host.document<ServerMetadata>(OAUTH);
    expect(metadata.issuer).toBe(gateway.base);
    expect(metadata.code_challenge_methods_supported).toEqual(['S256']);
    await host.register(metadata.registration_endpoint, WEB);
    const { client_id: clientId, ...registered } = await host.register(metadata.registration_endpoint, WEB);
    expect(registered).toMatchObject({ redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' });
    expect(registered).not.toHaveProperty('client_secret');
    const about = { clientId, redirectUri: CALLBACK, resource, scope: 'mcp' };
    const { tokens, refresh } = await host.authorize(metadata, about);
    await works(host, tokens, '2025-11-25');
    await works(host, await refresh(), '2025-11-25');
  });

  test('on the web: it may name itself by a document where the metadata says both that and "none"', async () => {
    const metadata = await new Host(gateway).document<ServerMetadata>(OAUTH);
    expect(metadata.client_id_metadata_document_supported).toBe(true);
    expect(metadata.token_endpoint_auth_methods_supported).toContain('none');
  });

  test('Code: asks for the era first, and listens on a port that it did not register', async () => {
    const host = new Host(gateway, { 'user-agent': 'claude-code/2.1.0 (cli)' });
    const probe = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'server/discover' };
    const { resource } = await host.document<ResourceMetadata>(await host.refused(HELLO.modern, probe));
    const metadata = await host.document<ServerMetadata>(OAUTH, { 'mcp-protocol-version': '2026-07-28' });
    const { client_id: clientId } = await host.register(metadata.registration_endpoint, {
      client_name: 'Claude Code (patchbay)',
      redirect_uris: ['http://localhost:3118/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    });
    const about = { clientId, redirectUri: 'http://localhost:60351/callback', resource, scope: 'mcp' };
    const { tokens, refresh } = await host.authorize(metadata, about);
    await worksModern(host, tokens);
    await worksModern(host, await refresh());
  });

  test('of 2025-03-26: knows no metadata of resources, guesses the endpoints and names no resource', async () => {
    const host = new Host(gateway, { 'mcp-protocol-version': '2025-03-26' });
    const { client_id: clientId } = await host.register('/register', WEB);
    const guessed = { authorization_endpoint: '/authorize', token_endpoint: '/token' };
    const { tokens, refresh } = await host.authorize(guessed, { clientId, redirectUri: CALLBACK });
    await works(host, tokens, '2025-03-26');
    await works(host, await refresh(), '2025-03-26');
  });
});

describe('ChatGPT', () => {
  const CALLBACKS = [
    'https://chatgpt.com/connector/oauth/OUbdUMlL15Ct',
    'https://chatgpt.com/connector_platform_oauth_redirect',
  ];

  test.each(CALLBACKS)('by the root document, with the resource in the token: %s', async (callback) => {
    const host = new Host(gateway, { 'user-agent': 'openai-mcp/1.0.0' });
    const { resource, scopes_supported: scopes = [] } = await host.document<ResourceMetadata>(RESOURCE);
    expect(resource).toBe(gateway.url);
    const metadata = await host.document<ServerMetadata>(OAUTH);
    const { client_id: clientId } = await host.register(metadata.registration_endpoint, {
      client_name: 'ChatGPT',
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
    const about = { clientId, redirectUri: callback, resource, scope: scopes.join(' ') };
    const { tokens, refresh } = await host.authorize(metadata, about);
    expect([claimsOf(tokens.access_token).aud].flat()).toEqual([resource]);
    await works(host, tokens, '2025-06-18');
    const next = await refresh();
    expect([claimsOf(next.access_token).aud].flat()).toEqual([resource]);
    await works(host, next, '2025-06-18');
  });

  test('finds no half of an OpenID configuration, which it would give up at', async () => {
    const metadata = await new Host(gateway).document<ServerMetadata>(OPENID);
    expect(metadata).toMatchObject({
      issuer: gateway.base,
      jwks_uri: expect.stringMatching(/^http/),
      subject_types_supported: expect.arrayContaining([expect.any(String)]),
      id_token_signing_alg_values_supported: expect.arrayContaining([expect.any(String)]),
    });
    const { keys } = await new Host(gateway).document<{ keys: object[] }>(metadata.jwks_uri);
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(key).not.toHaveProperty('d');
  });

  test('asks for a refresh token by offline_access', async () => {
    const host = new Host(gateway);
    const metadata = await host.document<ServerMetadata>(OAUTH);
    const { client_id: clientId } = await host.register(metadata.registration_endpoint, {
      client_name: 'ChatGPT',
      redirect_uris: [CALLBACKS[0]],
      token_endpoint_auth_method: 'none',
    });
    const about = { clientId, redirectUri: CALLBACKS[0]!, resource: gateway.url, scope: 'mcp offline_access' };
    const { tokens } = await host.authorize(metadata, about);
    await works(host, tokens, '2025-06-18');
  });
});

describe('Cursor', () => {
  const CALLBACKS = [
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'http://localhost:8787/callback',
  ] as const;
  const body = (type: object) => ({
    client_name: 'Cursor',
    client_uri: 'https://cursor.com',
    redirect_uris: CALLBACKS,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...type,
  });

  describe.each([
    ['as a web application', { application_type: 'web' }],
    ['without saying what it is', {}],
  ])('%s', (_how, type) => {
    test.each(CALLBACKS)('registers all three redirect URIs, and uses %s', async (callback) => {
      const host = new Host(gateway, { 'user-agent': 'Cursor/3.14.0 (darwin arm64)' });
      const { resource } = await host.document<ResourceMetadata>(await host.refused(HELLO.legacy('2025-06-18')));
      const metadata = await host.document<ServerMetadata>(OAUTH);
      const registered = await host.register(metadata.registration_endpoint, body(type));
      expect(registered.redirect_uris).toEqual(CALLBACKS);
      const about = { clientId: registered.client_id, redirectUri: callback, resource, scope: 'mcp' };
      const { tokens, refresh } = await host.authorize(metadata, about);
      await works(host, tokens, '2025-06-18');
      await works(host, await refresh(), '2025-06-18');
    });
  });
});

describe('VS Code', () => {
  const KNOWN_GRANTS = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
  const CALLBACKS = [
    'https://insiders.vscode.dev/redirect',
    'https://vscode.dev/redirect',
    'http://127.0.0.1/',
    'http://127.0.0.1:33418/',
  ];
  const body = (grants: readonly string[], scope: object) => ({
    client_name: 'Visual Studio Code',
    client_uri: 'https://code.visualstudio.com',
    grant_types: grants,
    response_types: ['code'],
    redirect_uris: CALLBACKS,
    ...scope,
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  });
  const used = ['http://127.0.0.1:33418/', 'http://127.0.0.1:51234/', 'https://vscode.dev/redirect'];

  test.each(used)('holds the resource against the URL byte by byte, and is answered at %s', async (callback) => {
    const host = new Host(gateway, { 'user-agent': 'Visual Studio Code/1.108.0' });
    const { resource, scopes_supported: scopes = [] } = await host.document<ResourceMetadata>(
      await host.refused(HELLO.legacy('2025-11-25')),
    );
    expect(new URL(resource).toString()).toBe(new URL(gateway.url).toString());
    const metadata = await host.document<ServerMetadata>(OAUTH);
    const grants = metadata.grant_types_supported.filter((grant) => KNOWN_GRANTS.includes(grant));
    const { client_id: clientId } = await host.register(
      metadata.registration_endpoint,
      body(grants, { scope: scopes.join(' ') }),
    );
    const about = { clientId, redirectUri: callback, resource, scope: scopes.join(' ') };
    const { tokens, refresh } = await host.authorize(metadata, about);
    await works(host, tokens, '2025-11-25');
    await works(host, await refresh(), '2025-11-25');
  });

  test('finds the metadata of the server in each place where it looks', async () => {
    const host = new Host(gateway);
    for (const path of [OAUTH, OPENID]) {
      const { issuer } = await host.document<ServerMetadata>(path);
      expect(issuer).toBe(gateway.base);
    }
  });
});

describe('wherever a host looks', () => {
  test.each([RESOURCE, `${RESOURCE}/mcp`])('%s names the endpoint', async (path) => {
    const { resource, authorization_servers } = await new Host(gateway).document<ResourceMetadata>(path);
    expect({ resource, authorization_servers }).toEqual({
      resource: gateway.url,
      authorization_servers: [gateway.base],
    });
  });

  test.each([OAUTH, OPENID, `${OAUTH}/mcp`, `${OPENID}/mcp`])('%s describes the server', async (path) => {
    const metadata = await new Host(gateway).document<ServerMetadata>(path);
    expect(metadata).toMatchObject({
      issuer: gateway.base,
      authorization_endpoint: expect.stringContaining(gateway.base),
      token_endpoint: expect.stringContaining(gateway.base),
      registration_endpoint: expect.stringContaining(gateway.base),
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    });
    expect(metadata.scopes_supported).toContain('mcp');
  });

  test.each([RESOURCE, `${RESOURCE}/mcp`, OAUTH, OPENID, '/oauth/token', '/oauth/register', '/token', '/register'])(
    'a page in a browser may ask for %s',
    async (path) => {
      const origin = 'https://inspector.example';
      const answer = await fetch(new URL(path, gateway.base), {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': /token|register/.test(path) ? 'POST' : 'GET',
          'access-control-request-headers': 'content-type,mcp-protocol-version',
        },
      });
      expect(answer.status).toBeLessThan(300);
      expect(answer.headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/inspector\.example)$/);
      expect(answer.headers.get('access-control-allow-headers')?.toLowerCase()).toMatch(/\*|mcp-protocol-version/);
    },
  );

  test('a user who writes localhost is told of localhost', async () => {
    const url = gateway.url.replace('127.0.0.1', 'localhost');
    const { origin } = new URL(url);
    const refused = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain(`resource_metadata="${origin}${RESOURCE}/mcp"`);
    const { resource } = (await (await fetch(`${origin}${RESOURCE}/mcp`)).json()) as ResourceMetadata;
    expect(resource).toBe(url);
  });

  test('and gets tokens that are good there', async () => {
    const url = gateway.url.replace('127.0.0.1', 'localhost');
    const host = new Host({ ...gateway, url });
    const metadata = await host.document<ServerMetadata>(OAUTH);
    const redirectUri = 'http://127.0.0.1:8976/callback';
    const { client_id: clientId } = await host.register(metadata.registration_endpoint, {
      client_name: 'Inspector',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    });
    const { tokens, refresh } = await host.authorize(metadata, { clientId, redirectUri, resource: url, scope: 'mcp' });
    await works(host, tokens, '2025-11-25');
    await works(host, await refresh(), '2025-11-25');
  });
});
