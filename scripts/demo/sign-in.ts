/** Signing in as a host does: the OAuth flow of the SDK, with a page in the person's browser and an answer to a loopback port. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { Unexpected } from './report.ts';

/** How long a person may take. */
const PATIENCE_MS = 5 * 60_000;

export class SignIn implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly #server: Server;
  readonly #state = randomUUID();
  readonly #answer: Promise<URLSearchParams>;
  #page: URL | undefined;
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';

  private constructor(server: Server) {
    this.#server = server;
    this.redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
    this.clientMetadata.redirect_uris.push(this.redirectUrl);
    const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
    this.#answer = promise;
    server.on('request', (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', this.redirectUrl);
      if (pathname !== '/callback') return void response.writeHead(404).end();
      response.setHeader('content-type', 'text/plain').end('Thank you. The demo goes on in its terminal.\n');
      resolve(searchParams);
    });
  }

  /** Listens on a free loopback port. */
  static async start(): Promise<SignIn> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    // it does not hold up a demo that is over
    server.unref();
    return new SignIn(server);
  }

  /** Where the person has to go, once the gateway has asked for a sign-in. */
  get page(): URL | undefined {
    return this.#page;
  }

  /** Waits for the person. @returns the authorization code @throws Unexpected when they refuse, or after five minutes */
  async code(): Promise<string> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Unexpected('nobody signed in within five minutes')), PATIENCE_MS);
    const answer = await Promise.race([this.#answer, late]).finally(() => clearTimeout(timer));
    if (answer.get('state') !== this.#state) throw new Unexpected('the answer belongs to another sign-in');
    const code = answer.get('code');
    if (code === null) throw new Unexpected(`the sign-in was refused: ${answer.get('error') ?? 'without a reason'}`);
    return code;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  readonly clientMetadata = {
    client_name: 'Patchbay demo',
    redirect_uris: [] as string[],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  state = () => this.#state;
  clientInformation = () => this.#client;
  saveClientInformation = (information: OAuthClientInformationMixed): void => {
    this.#client = information;
  };
  tokens = () => this.#tokens;
  saveTokens = (tokens: OAuthTokens): void => {
    this.#tokens = tokens;
  };
  redirectToAuthorization = (url: URL): void => {
    this.#page = url;
  };
  saveCodeVerifier = (verifier: string): void => {
    this.#verifier = verifier;
  };
  codeVerifier = () => this.#verifier;
}
