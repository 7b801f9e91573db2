/** The OpenID provider of a company: a real one, where whoever comes is signed in as the person that the test says. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { interactionPolicy, Provider } from '../../../src/auth/server/oidc-provider.ts';

export const CLIENT = { id: 'patchbay', secret: randomBytes(24).toString('base64url') };

export interface Company {
  readonly issuer: string;
  /** Who comes: claims of the ID token; `denied` for somebody who is not let in. */
  person: Readonly<Record<string, unknown>> | 'denied';
  /** The authorization requests that came. */
  readonly asked: URLSearchParams[];
  /** Texts of tokens that it gave out. */
  readonly given: string[];
  close(): Promise<void>;
}

/** @param redirectUri of Patchbay; known once that listens, so it can be set later */
export async function startCompany(redirectUri: () => string): Promise<Company> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const company: Company = {
    issuer,
    person: { sub: 'person-1' },
    asked: [],
    given: [],
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  let provider: InstanceType<typeof Provider> | undefined;
  const make = () =>
    new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: [redirectUri()],
          grant_types: ['authorization_code'],
          response_types: ['code'],
        },
      ],
      cookies: { keys: ['company'] },
      claims: { openid: ['sub', 'email', 'email_verified', 'name', 'groups'], email: [], profile: [] },
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      interactions: { policy: interactionPolicy.base(), url: (_ctx, { uid }) => `/step/${uid}` },
      features: { devInteractions: { enabled: false } },
      findAccount: async (_ctx, id) => ({
        accountId: id,
        claims: async () => ({ ...(company.person as object), sub: id }),
      }),
    });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    provider ??= make();
    if (request.url!.startsWith('/auth?')) company.asked.push(new URL(request.url!, issuer).searchParams);
    if (request.url!.startsWith('/step/')) return void step(provider, company, request, response);
    const { end } = response;
    if (request.url === '/token')
      response.end = ((...args: unknown[]) => {
        company.given.push(...tokensIn(String(args[0])));
        return end.apply(response, args as never);
      }) as typeof end;
    return void provider.callback()(request, response);
  });
  return company;
}

async function step(
  provider: InstanceType<typeof Provider>,
  { person }: Company,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params, prompt } = await provider.interactionDetails(request, response);
  if (person === 'denied') return provider.interactionFinished(request, response, { error: 'access_denied' });
  const accountId = String(person.sub);
  if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId } });
  const grant = new provider.Grant({ accountId, clientId: String(params.client_id) });
  grant.addOIDCScope(String(params.scope));
  grant.addOIDCClaims(['sub', 'email', 'email_verified', 'name', 'groups']);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

function tokensIn(text: string): string[] {
  try {
    return Object.entries(JSON.parse(text) as object).flatMap(([name, value]) =>
      /token$/.test(name) ? String(value) : [],
    );
  } catch {
    return [];
  }
}
