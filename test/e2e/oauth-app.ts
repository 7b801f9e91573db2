/** A program with the OAuth flow of the official SDKs: it registers itself, and listens on a loopback port for the answer. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Client as ClientV2,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import type { OAuthClientProvider as ProviderV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

export type SdkVersion = 'v1' | 'v2';

/** A connection that is signed in. */
export interface Connection {
  readonly sessionId: string | undefined;
  tools(): Promise<string[]>;
  /** @returns the text of the result */
  call(name: string, args: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** What both SDKs keep between a refusal and the answer of the user. */
export class Wallet implements OAuthClientProvider {
  readonly redirectUrl: string;
  /** Where the user has to go. */
  authorizationUrl: URL | undefined;
  registered: StoredOAuthClientInformation | undefined;
  kept: StoredOAuthTokens | undefined;
  /** What it registers for. */
  grants = ['authorization_code', 'refresh_token'];
  readonly #name: string;
  readonly #state = randomUUID();
  #verifier = '';
  #discovered: OAuthDiscoveryState | undefined;

  constructor(name: string, redirectUrl: string) {
    this.#name = name;
    this.redirectUrl = redirectUrl;
  }

  get clientMetadata() {
    return {
      client_name: this.#name,
      // its redirect URI is a loopback address
      application_type: 'native',
      redirect_uris: [this.redirectUrl],
      grant_types: this.grants,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state = () => this.#state;
  clientInformation = () => this.registered;
  saveClientInformation = (information: StoredOAuthClientInformation): void => {
    this.registered = information;
  };
  tokens = () => this.kept;
  saveTokens = (tokens: StoredOAuthTokens): void => {
    this.kept = tokens;
  };
  redirectToAuthorization = (url: URL): void => {
    this.authorizationUrl = url;
  };
  saveCodeVerifier = (verifier: string): void => {
    this.#verifier = verifier;
  };
  codeVerifier = () => this.#verifier;
  saveDiscoveryState = (state: OAuthDiscoveryState): void => {
    this.#discovered = state;
  };
  discoveryState = () => this.#discovered;
  invalidateCredentials = (scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void => {
    if (scope === 'all' || scope === 'client') this.registered = undefined;
    if (scope === 'all' || scope === 'tokens') this.kept = undefined;
    if (scope === 'all' || scope === 'discovery') this.#discovered = undefined;
  };
}

export class App {
  readonly wallet: Wallet;
  readonly #version: SdkVersion;
  readonly #url: URL;
  readonly #listener: Server;
  #transport: TransportV1 | TransportV2 | undefined;
  #answer = Promise.withResolvers<URLSearchParams>();

  private constructor(version: SdkVersion, url: string, name: string, listener: Server) {
    const { port } = listener.address() as AddressInfo;
    this.#version = version;
    this.#url = new URL(url);
    this.#listener = listener;
    this.wallet = new Wallet(name, `http://127.0.0.1:${port}/callback`);
    listener.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://127.0.0.1');
      response.setHeader('content-type', 'text/plain').end('You can close this window.');
      if (pathname === '/callback') this.#answer.resolve(searchParams);
    });
  }

  /** The parameters that came to the redirect URI; after {@link finish}, those that come next. */
  get answer(): Promise<URLSearchParams> {
    return this.#answer.promise;
  }

  /** @param url that the user pasted @param name that it registers with */
  static async start(version: SdkVersion, url: string, name = `App ${version}`): Promise<App> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new App(version, url, name, listener);
  }

  /**
   * Connects with the tokens that there are.
   * @throws what the SDK throws: without tokens that can be used, the wallet then has the URL for the user
   */
  async connect(): Promise<Connection> {
    return this.#version === 'v1' ? this.#connectV1() : this.#connectV2();
  }

  /** Gets tokens for the code in the answer. */
  async finish(): Promise<void> {
    const answer = await this.answer;
    this.#answer = Promise.withResolvers();
    if (answer.get('state') !== this.wallet.state()) throw new Error('the answer has another state');
    if (this.#transport instanceof TransportV1) return this.#transport.finishAuth(answer.get('code') ?? '');
    await this.#transport!.finishAuth(answer);
  }

  async close(): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    this.#listener.closeAllConnections();
    await closed;
  }

  async #connectV1(): Promise<Connection> {
    const client = new ClientV1({ name: 'app', version: '1.0.0' });
    const transport = new TransportV1(this.#url, { authProvider: this.wallet as unknown as ProviderV1 });
    this.#transport = transport;
    await client.connect(transport as Transport);
    return {
      sessionId: transport.sessionId,
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
      close: () => client.close(),
    };
  }

  async #connectV2(): Promise<Connection> {
    const client = new ClientV2({ name: 'app', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    const transport = new TransportV2(this.#url, { authProvider: this.wallet });
    this.#transport = transport;
    await client.connect(transport);
    return {
      sessionId: transport.sessionId,
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
      close: () => client.close(),
    };
  }
}

const textOf = (result: object): string => (result as { content: { text?: string }[] }).content[0]?.text ?? '';
