/** The era-neutral types that both fronts and both backs meet in (design.md §4). */
import type { Fault } from '../errors.ts';
import type { Edit } from './json/edit.ts';
import type { Span } from './json/scan.ts';
import type { Message, RawId } from './message.ts';
import type { Era } from './versions.ts';

/** Who is calling. `key` is equal for equal (issuer, subject, client, tenant) and different otherwise. */
export interface Principal {
  readonly key: string;
  readonly subject: string;
  readonly issuer?: string;
  readonly clientId?: string;
  readonly tenant?: string;
  readonly scopes: readonly string[];
}

/** What is known of the client that a call came from. */
export interface ClientFacts {
  readonly era: Era;
  readonly version: string;
  /** As declared by the client; `{}` when it declared nothing. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly info: Readonly<Record<string, unknown>> | undefined;
}

/** Where a call goes. `exposed` is the name or URI the client used, `name` the one the upstream knows. */
export interface Target {
  readonly upstream: string;
  readonly exposed: string;
  readonly name: string;
}

/** What a request ends with. */
export type Outcome =
  /** The upstream's answer as it arrived, success or JSON-RPC error. `edits` are what Patchbay changes in it. */
  | { readonly kind: 'complete'; readonly message: Message; readonly edits?: readonly Edit[] }
  /** An answer of Patchbay's own; `result` is JSON text. */
  | { readonly kind: 'local'; readonly result: string | Buffer }
  /** The upstream asks the client for something before it can go on. */
  | { readonly kind: 'input-required'; readonly round: Round }
  | {
      readonly kind: 'error';
      readonly error: Fault;
      /** The upstream certainly did not process the request, so that it may be sent again. */
      readonly unsent?: boolean;
    };

/** A set of input requests (elicitation, sampling, roots) that an upstream makes during a call. */
export interface Round {
  readonly number: number;
  /** The requests by key; each is the JSON text of `{method, params}`. */
  readonly requests: ReadonlyMap<string, Buffer>;
  /** Hands the client's answers on; each is the JSON text of a result. */
  answer(responses: ReadonlyMap<string, Buffer>): void;
  /** The client will not answer. */
  abandon(reason: string): void;
}

/** Where a call's output currently goes: an HTTP stream, a parked buffer, a task record. */
export interface Sink {
  /** A progress notification whose token is already the client's own. */
  progress(notification: Buffer): void;
  /** A log notification raised while the call was served. */
  log(notification: Buffer): void;
  input(round: Round): void;
  /** The end; called exactly once. */
  done(outcome: Outcome): void;
}

/** Limits of one request towards an upstream, in milliseconds. */
export interface Deadline {
  /** Time without an answer; progress starts it anew. */
  readonly idle: number;
  /** Time in all. */
  readonly total: number;
  /** The config key that set `idle`, named in the error. */
  readonly knob: string;
}

/** One client request from arrival to its final answer, with everything that happens in between. */
export interface Call {
  readonly principal: Principal;
  readonly client: ClientFacts;
  /** The legacy session it came in, which owns links of upstreams with `sharing: session`. */
  readonly session: string | undefined;
  readonly method: string;
  /** The client's id as it was spelled. */
  readonly id: RawId;
  /** The request as it came. */
  readonly message: Message;
  /** What is changed in the request before it goes to its upstream. */
  readonly edits: Edit[];
  /** The span of `params._meta.progressToken` in the message. */
  readonly progressToken: Span | undefined;
  target: Target | undefined;
  deadline: Deadline | undefined;
  sink: Sink;
  /** Set once the call is cancelled or finished: nothing more is written to its sink. */
  readonly ended: boolean;
  /** Calls `listener` when the client cancels (never for a mere disconnect of a legacy client). One listener at a time. */
  oncancel: ((reason: string | undefined) => void) | undefined;
}
