/**
 * Whether the scopes of a token are enough for what a client asks, found out before the request is taken up: then the
 * answer is one of HTTP, by which clients know to ask for more (403, RFC 6750 §3.1).
 */
import type { Operation, ScopePolicy } from '../auth/scopes.ts';
import type { Call, Target } from '../protocol/call.ts';
import type { Message } from '../protocol/message.ts';
import { only, Params, ParamsError } from '../protocol/params.ts';
import { concernsOf, type MethodContext } from './context.ts';
import { referenceOf } from './reference.ts';
import { type Caller, type Resolve, resolvePrompt, resolveResource, resolveTool } from './resolve.ts';

/** What a request names, and how that is found; as read from its params. */
type Named = readonly { readonly text: string; readonly resolve: Resolve; readonly method: string }[];

const one =
  (key: string, resolve: Resolve) =>
  (params: Params, { method }: Message): Named => [{ text: params.string(key).text, resolve, method: method! }];

/** The methods that name items; other methods are judged by themselves. */
const NAMING: ReadonlyMap<string, (params: Params, message: Message) => Named> = new Map([
  ['tools/call', one('name', resolveTool)],
  ['prompts/get', one('name', resolvePrompt)],
  ['resources/read', one('uri', resolveResource)],
  ['resources/subscribe', one('uri', resolveResource)],
  [
    'completion/complete',
    (params, message) => {
      const { text, resolve } = referenceOf(message, params);
      return [{ text, resolve, method: message.method! }];
    },
  ],
  // to listen to a resource is to subscribe to it
  [
    'subscriptions/listen',
    (params, { bytes }) => {
      const uris = only(params.object('notifications') ?? [], 'resourceSubscriptions');
      const list: unknown = uris && JSON.parse(bytes.toString('utf8', uris.start, uris.end));
      const texts = Array.isArray(list) ? list.filter((uri) => typeof uri === 'string') : [];
      return texts.map((text) => ({ text, resolve: resolveResource, method: 'resources/subscribe' }));
    },
  ],
]);

/**
 * Judges the requests of one POST together.
 * @returns a promise where a catalog is waited for that may have what is named
 * @throws Fault `insufficientScope`, or rejects with it
 */
export function authorize(context: MethodContext, caller: Caller, requests: readonly Message[]): void | Promise<void> {
  const policy = scopesAt(context, caller);
  if (!policy.hasRules) return;
  const asked = operationsOf(context, caller, requests);
  const { audience } = caller.client;
  if (!asked.unknown || !context.catalogs.unsure(audience, concernsOf(context, caller)))
    return policy.allow(caller.principal, asked.operations);
  return context.catalogs
    .sure(audience, context.lists.firstWait, concernsOf(context, caller))
    .then(() => policy.allow(caller.principal, operationsOf(context, caller, requests).operations));
}

/** What is asked for, and whether an item is named that is not known, or not yet. */
function operationsOf(
  context: MethodContext,
  caller: Caller,
  requests: readonly Message[],
): { readonly operations: readonly Operation[]; readonly unknown: boolean } {
  const operations: Operation[] = [];
  let unknown = false;
  for (const message of requests) {
    const { method } = message;
    if (!isNaming(method!)) operations.push({ method: method! });
    else
      for (const { text, resolve, method: named } of namedBy(message)) {
        const item = resolve(context, caller, text);
        unknown ||= item === undefined;
        operations.push({ method: named, item });
      }
  }
  return { operations, unknown };
}

/** Judges once more what goes out: whatever way it took to its target, it needs what its target needs. */
export function authorizeTarget(context: MethodContext, call: Call, item: Target): void {
  const { principal, method } = call;
  const policy = scopesAt(context, call);
  if (policy.hasRules && isNaming(method)) policy.allow(principal, [{ method, item }]);
}

const scopesAt = ({ profiles }: MethodContext, { client }: Caller): ScopePolicy =>
  (profiles.get(client.profile) ?? profiles.usual).scopes;

const isNaming = (method: string): boolean => NAMING.has(method);

/** What is wrong with its params is told by the method itself. */
function namedBy(message: Message): Named {
  try {
    return NAMING.get(message.method!)?.(new Params(message), message) ?? [];
  } catch (error) {
    if (error instanceof ParamsError) return [];
    throw error;
  }
}
