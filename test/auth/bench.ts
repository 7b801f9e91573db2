/** What tests of signing in share: a gateway that trusts an issuer, in front of upstreams that keep what they were sent. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type Gateway, type GatewayOptions, startGateway } from '../fixtures/gateway.ts';
import { type SendOptions, send } from '../gateway/exchange.ts';
import { type ScriptedModern, startModern } from '../gateway/scripted-modern.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from '../gateway/scripted-upstream.ts';
import { GATEWAY, type Issuer, startIssuer, type TokenOptions } from './issuer.ts';

export interface Bench extends AsyncDisposable {
  readonly issuer: Issuer;
  readonly gateway: Gateway;
  readonly legacy: ScriptedUpstream;
  readonly modern: ScriptedModern;
  /** A token of the issuer for this gateway. */
  token(options?: TokenOptions): Promise<string>;
  /** The same as a header. */
  bearer(options?: TokenOptions): Promise<{ authorization: string }>;
}

export interface BenchOptions {
  /** Members of the section `auth`, in place of those that trust the issuer. */
  readonly auth?: (issuer: Issuer) => object;
  /** Default: both of them. */
  readonly upstreams?: (of: Pick<Bench, 'legacy' | 'modern'>) => object;
  /** What the modern one says of its lists. */
  readonly caching?: object;
  /** Other sections. */
  readonly config?: object;
  readonly env?: GatewayOptions['env'];
  readonly issuer?: Parameters<typeof startIssuer>[0];
}

/** The section `auth` that checks the issuer's tokens by their signature. */
export const byJwt = ({ url }: Issuer): object => ({ mode: 'jwt', jwt: [{ issuer: url, clockSkew: 0 }] });

/** The one that asks the issuer. */
export const byIntrospection = ({ url }: Issuer): object => ({
  mode: 'introspection',
  introspection: [{ issuer: url, ...GATEWAY, cache: '200ms' }],
});

export async function startBench({
  auth = byJwt,
  config = {},
  env,
  issuer: of,
  upstreams: named,
  caching = {},
}: BenchOptions = {}): Promise<Bench> {
  const issuer = await startIssuer(of);
  const legacy = await startUpstream({
    tools: [tool('read'), tool('write'), tool('delete')],
    prompts: [{ name: 'hello' }],
    resources: [
      { uri: 'l://open', name: 'open' },
      { uri: 'l://secret', name: 'secret' },
    ],
    capabilities: { resources: { subscribe: true }, completions: {} },
    handlers: {
      'tools/call': ({ params }) => textResult(String(params?.name)),
      'prompts/get': () => ({ messages: [] }),
      'resources/read': ({ params }) => ({ contents: [{ uri: params?.uri, text: 'x' }] }),
      'resources/subscribe': () => ({}),
      'resources/unsubscribe': () => ({}),
      'completion/complete': () => ({ completion: { values: ['x'] } }),
    },
  });
  const modern = await startModern({
    tools: [tool('one')],
    resources: [{ uri: 'm://1', name: 'one' }],
    handlers: { 'tools/call': ({ params }) => textResult(String(params?.name)) },
    caching,
  });
  const both = { legacy: { url: legacy.url }, modern: { url: modern.url } };
  const upstreams = named?.({ legacy, modern }) ?? both;
  // more is refused here than a limit would allow
  const settings = { limits: { failures: 0 }, ...auth(issuer) };
  const gateway = await startGateway({ config: { auth: settings, upstreams, ...config }, ...(env ? { env } : {}) });
  const token = (options: TokenOptions = {}) => issuer.token({ audience: gateway.url, ...options });
  return {
    issuer,
    gateway,
    legacy,
    modern,
    token,
    bearer: async (options) => ({ authorization: `Bearer ${await token(options)}` }),
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      await issuer.close();
      await legacy.close();
      await modern.close();
    },
  };
}

/** Sends `ping` with these headers: the shortest way to find out whether a token is good. */
export async function knock(url: string, headers: SendOptions['headers'] = {}) {
  const answer = await send(url, { headers: headers ?? {}, body: { jsonrpc: '2.0', id: 1, method: 'ping' } });
  await answer.ended();
  return answer;
}

/** The parts of a challenge: its scheme, and its parameters by name. */
export function challengeIn(header: unknown): { scheme: string; params: Readonly<Record<string, string>> } {
  if (typeof header !== 'string') throw new Error('there is no WWW-Authenticate');
  const [, scheme = '', rest = ''] = /^(\w+) (.*)$/.exec(header) ?? [];
  const found = [...rest.matchAll(/(\w+)="([^"]*)"(?:, |$)/g)];
  if (found.map(([whole]) => whole).join('') !== rest) throw new Error(`malformed: ${header}`);
  return { scheme, params: Object.fromEntries(found.map(([, name = '', value = '']) => [name, value])) };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
