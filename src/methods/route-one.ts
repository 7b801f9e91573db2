/** Requests that go to exactly one upstream: tools/call, prompts/get, resources/read, completion/complete. */
import { Fault } from '../errors.ts';
import type { Call, Outcome, Round, Sink, Target } from '../protocol/call.ts';
import type { Span } from '../protocol/json/scan.ts';
import { legacyMethods } from '../protocol/methods.ts';
import { CAN_ASK } from '../upstreams/inbound.ts';
import type { Link } from '../upstreams/link.ts';
import { SHARED_SCOPE } from '../upstreams/pool.ts';
import type { Lessee } from '../upstreams/upstream-links.ts';
import type { MethodContext } from './context.ts';
import { PassingSink } from './passing-sink.ts';
import { relayedError } from './relayed-error.ts';
import { isRepeatable } from './repeatable.ts';
import { resultEdits } from './result-uris.ts';
import { leaseFor, sessionScope } from './scope.ts';

/**
 * Sends a call on to its target and relays what comes back.
 * @param nameAt where the exposed name or URI stands in the request; replaced by the upstream's own
 */
export function routeOne(context: MethodContext, call: Call, target: Target, nameAt: Span): void {
  call.target = target;
  if (target.name !== target.exposed)
    call.edits.push({ start: nameAt.start, end: nameAt.end, text: JSON.stringify(target.name) });
  call.sink = new RelaySink(context, call, call.sink);
  forward(context, call, target);
}

function forward(context: MethodContext, call: Call, { upstream }: Target): void {
  send(context, call, upstream, leaseFor(context, call, upstream));
}

function send(context: MethodContext, call: Call, upstream: string, lessee: Lessee): void {
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
      if (apart !== scope) return send(context, call, upstream, { ...lessee, scope: apart });
    }
    call.scope = scope;
    link.request(call);
  };
  if (!(lease instanceof Promise)) return go(lease);
  let cancelled = false;
  call.oncancel = () => {
    cancelled = true;
  };
  lease.then(
    (link: Link) => {
      if (!cancelled) go(link);
    },
    (error: unknown) => {
      const fault = error instanceof Fault ? error : new Fault('internal');
      if (!cancelled) call.sink.done({ kind: 'error', error: fault });
    },
  );
}

/** Maps what the upstream answers to what the client may see, and repeats a request where that can do no harm. */
class RelaySink extends PassingSink {
  readonly #context: MethodContext;
  readonly #call: Call;
  #repeated = false;
  /** Whether the client has been told of progress, and whether it was asked for something. */
  #progressed = false;
  #asked = false;

  constructor(context: MethodContext, call: Call, outer: Sink) {
    super(outer);
    this.#context = context;
    this.#call = call;
  }

  override progress(notification: Buffer): void {
    // the client must see it increase, and a second try begins at the start
    if (this.#repeated && this.#progressed) return;
    this.#progressed = true;
    this.outer.progress(notification);
  }

  override input(round: Round): void {
    this.#asked = true;
    this.outer.input(round);
  }

  override done(outcome: Outcome): void {
    if (outcome.kind === 'error' && this.#mayRepeat(outcome)) {
      this.#repeated = true;
      try {
        return forward(this.#context, this.#call, this.#call.target!);
      } catch (error) {
        return this.outer.done({ kind: 'error', error: error instanceof Fault ? error : new Fault('internal') });
      }
    }
    if (outcome.kind !== 'complete') return this.outer.done(outcome);
    if (outcome.message.error) return this.outer.done(relayedError(this.#context, this.#call, outcome.message));
    const shape = legacyMethods.get(this.#call.method)?.uris;
    const edits = shape ? resultEdits(this.#context, this.#call, outcome.message, shape) : [];
    this.outer.done(edits.length > 0 ? { ...outcome, edits } : outcome);
  }

  /** One more try: when the upstream has certainly not begun, or when beginning twice makes no difference. */
  #mayRepeat({ unsent, error }: Outcome & { kind: 'error' }): boolean {
    if (this.#repeated || this.#call.ended) return false;
    if (unsent) return true;
    return error.fault === 'upstreamLost' && !this.#asked && isRepeatable(this.#context, this.#call);
  }
}
