/** resources/subscribe and resources/unsubscribe: counted per link, so that one subscriber never ends another's. */
import { Fault } from '../errors.ts';
import type { Call, Outcome, Sink, Target } from '../protocol/call.ts';
import { ask } from '../upstreams/ask.ts';
import type { Method, MethodContext } from './context.ts';
import { whenKnown } from './named.ts';
import { PassingSink } from './passing-sink.ts';
import { resolveResource, seeingAll } from './resolve.ts';
import { routeOne } from './route-one.ts';
import { leaseFor } from './scope.ts';

export const subscribe: Method = (context, call, params) => {
  const { text, span } = params.string('uri');
  const route = (): boolean => {
    const target = ownerOf(context, call, text);
    if (!target) return false;
    if (!canSubscribe(context, call, target))
      throw new Fault('methodNotFound', { method: 'resources/subscribe for this resource' });
    const { scope } = leaseFor(context, call, target.upstream);
    const owner = { upstream: target.upstream, scope };
    const first = context.subscriptions.add(owner, target.name, call.session!);
    if (!first && context.pool.peek(target.upstream, scope)) call.sink.done({ kind: 'local', result: '{}' });
    else {
      call.sink = new SubscribeSink(call.sink, (agreed) => {
        if (agreed) context.subscriptions.agreed(owner, target.name);
        else context.subscriptions.remove(owner, target.name, call.session!);
      });
      routeOne(context, call, target, span);
    }
    return true;
  };
  if (route()) return;
  const named = { text, resolve: resolveResource };
  return whenKnown(context, call, named, route, () => new Fault('unknownResource', { uri: text }, { uri: text }));
};

export const unsubscribe: Method = (context, call, params) => {
  const { text, span } = params.string('uri');
  // also of what was taken away in between
  const target = ownerOf(seeingAll(context, call), call, text);
  const scope = target && leaseFor(context, call, target.upstream).scope;
  const last =
    target && context.subscriptions.remove({ upstream: target.upstream, scope: scope! }, target.name, call.session!);
  if (target && last && context.pool.peek(target.upstream, scope!)) return routeOne(context, call, target, span);
  // somebody else still listens, or nobody did
  call.sink.done({ kind: 'local', result: '{}' });
};

/** A session is over: upstreams are told of what nobody listens to any more. */
export function dropSubscriptions(context: MethodContext, session: string): void {
  for (const { link: owner, uri } of context.subscriptions.drop(session)) {
    const link = context.pool.peek(owner.upstream, owner.scope);
    if (link) ask(link, 'resources/unsubscribe', { uri }).catch(() => undefined);
  }
}

function ownerOf(context: MethodContext, call: Call, uri: string): Target | undefined {
  const owner = resolveResource(context, call, uri);
  return owner && { ...owner, exposed: uri };
}

function canSubscribe(context: MethodContext, call: Call, { upstream }: Target): boolean {
  const catalog = context.view(call).catalogs.find((c) => c.upstream === upstream);
  const { resources } = (catalog?.server.capabilities ?? {}) as { resources?: { subscribe?: unknown } };
  return resources?.subscribe === true;
}

/** Sees whether the upstream agrees. */
class SubscribeSink extends PassingSink {
  readonly #heard: (agreed: boolean) => void;

  constructor(outer: Sink, heard: (agreed: boolean) => void) {
    super(outer);
    this.#heard = heard;
  }

  override done(outcome: Outcome): void {
    // a modern upstream agrees on a listen, so that the answer is one of the gateway's own
    this.#heard(outcome.kind === 'local' || (outcome.kind === 'complete' && !outcome.message.error));
    this.outer.done(outcome);
  }
}
