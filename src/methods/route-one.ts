/** Requests that go to exactly one upstream: tools/call, prompts/get, resources/read, completion/complete. */
import { Fault } from '../errors.ts';
import type { Call, Target } from '../protocol/call.ts';
import type { Span } from '../protocol/json/scan.ts';
import { CAN_ASK } from '../protocol/methods.ts';
import type { Link } from '../upstreams/link.ts';
import { SHARED_SCOPE } from '../upstreams/pool.ts';
import type { Lessee } from '../upstreams/upstream-links.ts';
import { authorizeTarget } from './authorize.ts';
import type { MethodContext } from './context.ts';
import { RelaySink } from './relay-sink.ts';
import { leaseFor, sessionScope } from './scope.ts';
import { raiseLevel } from './set-level.ts';
import { refusal, shapeCall } from './shape-call.ts';
import { askForTask } from './tasking.ts';
import { setHeaders } from './tool-headers.ts';

/**
 * Sends a call on to its target and relays what comes back.
 * @param nameAt where the exposed name or URI stands in the request; replaced by the upstream's own
 */
export function routeOne(context: MethodContext, call: Call, target: Target, nameAt: Span): void {
  authorizeTarget(context, call, target);
  call.target = target;
  if (target.name !== target.exposed)
    call.edits.push({ start: nameAt.start, end: nameAt.end, text: JSON.stringify(target.name) });
  const refused = shapeCall(context, call);
  if (refused) return call.sink.done(refusal(call, refused));
  if (call.method === 'tools/call') {
    setHeaders(context, call);
    askForTask(context, call);
  }
  const relay: RelaySink = new RelaySink(context, call, call.sink, () => forward(context, call, relay));
  call.sink = relay;
  forward(context, call, relay);
}

function forward(context: MethodContext, call: Call, relay: RelaySink): void {
  send(context, call, leaseFor(context, call, call.target!.upstream), relay);
}

function send(context: MethodContext, call: Call, lessee: Lessee, relay: RelaySink): void {
  const { upstream } = call.target!;
  const { scope } = lessee;
  const lease = context.pool.lease(upstream, lessee);
  const go = (link: Link): void => {
    // where calls of two sessions could be taken for each other, the later one gets a link of its session's own
    if (
      call.session !== undefined &&
      scope !== SHARED_SCOPE &&
      CAN_ASK.has(call.method) &&
      link.confuses(call.session)
    ) {
      const apart = sessionScope(call.session);
      if (apart !== scope) return send(context, call, { ...lessee, scope: apart }, relay);
    }
    call.scope = scope;
    relay.server = link.server;
    const raising = call.client.era === 'modern' ? raiseLevel(context, link, call.logLevel) : undefined;
    if (raising) return when(call, raising, () => link.request(call));
    link.request(call);
  };
  if (lease instanceof Promise) when(call, lease, go);
  else go(lease);
}

/** Goes on when something is there, unless the client has cancelled by then. */
function when<T>(call: Call, later: Promise<T>, go: (value: T) => void): void {
  let cancelled = false;
  call.oncancel = () => {
    cancelled = true;
  };
  later.then(
    (value) => {
      if (!cancelled) go(value);
    },
    (error: unknown) => {
      const fault = error instanceof Fault ? error : new Fault('internal');
      if (!cancelled) call.sink.done({ kind: 'error', error: fault });
    },
  );
}
