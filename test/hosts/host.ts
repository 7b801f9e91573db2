/** The steps of which the flows of hosts consist, each as one HTTP request, with what every host checks of the answers. */
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { SignInGateway } from '../fixtures/sign-in-gateway.ts';
import { Visitor } from './visitor.ts';

/** What hosts read of the metadata of an authorization server (RFC 8414 §2). */
export interface ServerMetadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly registration_endpoint: string;
  readonly revocation_endpoint: string;
  readonly jwks_uri: string;
  readonly response_types_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly client_id_metadata_document_supported: boolean;
  readonly authorization_response_iss_parameter_supported: boolean;
  readonly subject_types_supported?: readonly string[];
  readonly id_token_signing_alg_values_supported?: readonly string[];
}

/** RFC 9728 §2. */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported?: readonly string[];
}

export interface Registered {
  readonly client_id: string;
  readonly client_secret?: string;
  readonly redirect_uris: readonly string[];
  readonly token_endpoint_auth_method: string;
  readonly grant_types: readonly string[];
}

export interface Tokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly scope?: string;
}

/** One authorization, from the question to the tokens. */
export interface Authorization {
  readonly clientId: string;
  readonly redirectUri: string;
  /** RFC 8707; hosts of 2025-03-26 send none. */
  readonly resource?: string;
  readonly scope?: string;
}

/** The first request of a host of each era. */
export const HELLO = {
  legacy: (version: string) => ({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'host', version: '1.0.0' } },
  }),
  modern: {
    jsonrpc: '2.0',
    id: 0,
    method: 'server/discover',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'host', version: '1.0.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  },
} as const;

export class Host {
  readonly #gateway: SignInGateway;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers that this host sends with everything */
  constructor(gateway: SignInGateway, headers: Readonly<Record<string, string>> = {}) {
    this.#gateway = gateway;
    this.#headers = headers;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(new URL(path, this.#gateway.base), { headers: { ...this.#headers, ...headers } });
  }

  /** A document that has to be there. */
  async document<T>(
    path: string,
    headers: Readonly<Record<string, string>> = { accept: 'application/json' },
  ): Promise<T> {
    const response = await this.get(path, headers);
    expect({ path, status: response.status, type: response.headers.get('content-type') }).toEqual({
      path,
      status: 200,
      type: expect.stringMatching(/^application\/(jwk-set\+)?json\b/),
    });
    return (await response.json()) as T;
  }

  /** Sends a message to the endpoint. */
  post(message: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.#gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...this.#headers,
        ...headers,
      },
      body: JSON.stringify(message),
    });
  }

  /** The first request, without a token. @returns where it is told that the metadata is */
  async refused(message: object, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const response = await this.post(message, headers);
    await response.body?.cancel();
    expect(response.status).toBe(401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Bearer /);
    expect(challenge).not.toContain('error=');
    const url = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
    expect(url).toBe(`${this.#gateway.base}/.well-known/oauth-protected-resource/mcp`);
    return url!;
  }

  /** RFC 7591 §3.1. */
  async register(endpoint: string, body: object): Promise<Registered> {
    const response = await fetch(new URL(endpoint, this.#gateway.base), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...this.#headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    expect({ status: response.status, text }).toEqual({ status: 201, text: expect.stringContaining('client_id') });
    return JSON.parse(text) as Registered;
  }

  /**
   * Sends the user to sign in, and gets tokens for the code (RFC 6749 §4.1, RFC 7636).
   * @returns the tokens, and a way to get the next ones
   */
  async authorize(
    { authorization_endpoint, token_endpoint }: Pick<ServerMetadata, 'authorization_endpoint' | 'token_endpoint'>,
    { clientId, redirectUri, resource, scope }: Authorization,
  ): Promise<{ tokens: Tokens; refresh: () => Promise<Tokens> }> {
    const verifier = randomBytes(32).toString('base64url');
    const state = randomUUID();
    const url = new URL(authorization_endpoint, this.#gateway.base);
    const about = { ...(resource === undefined ? {} : { resource }) };
    const query = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: hash('sha256', verifier, 'base64url'),
      code_challenge_method: 'S256',
      state,
      ...(scope === undefined ? {} : { scope }),
      ...about,
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const answer = await new Visitor(this.#gateway.base).allow(url);
    expect(answer.href.split('?')[0]).toBe(redirectUri);
    expect(Object.fromEntries(answer.searchParams)).toEqual({
      code: expect.stringMatching(/./),
      state,
      iss: this.#gateway.base,
    });
    const exchange = (fields: Record<string, string>) =>
      this.#token(token_endpoint, { ...fields, client_id: clientId, ...about });
    const tokens = await exchange({
      grant_type: 'authorization_code',
      code: answer.searchParams.get('code')!,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    let last = tokens;
    return {
      tokens,
      refresh: async () => {
        last = await exchange({ grant_type: 'refresh_token', refresh_token: last.refresh_token! });
        return last;
      },
    };
  }

  async #token(endpoint: string, fields: Record<string, string>): Promise<Tokens> {
    const response = await fetch(new URL(endpoint, this.#gateway.base), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', ...this.#headers },
      body: new URLSearchParams(fields),
    });
    const text = await response.text();
    expect({ status: response.status, text }).toEqual({ status: 200, text: expect.stringContaining('access_token') });
    expect(response.headers.get('cache-control')).toBe('no-store');
    const tokens = JSON.parse(text) as Tokens;
    expect(tokens).toMatchObject({
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      refresh_token: expect.any(String),
    });
    return tokens;
  }
}

/** What an access token says of itself, not checked. */
export const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
