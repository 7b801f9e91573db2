/** The era-neutral types that both fronts and both backs meet in. */
import type { Fault } from '../errors.ts';
import type { ResultPlan } from './answer-flow.ts';
import type { Edit } from './json/edit.ts';
import type { Span } from './json/scan.ts';
import type { Message, RawId } from './message.ts';
import type { Params } from './params.ts';
import type { Arguments } from './tool-headers.ts';
import type { Era } from './versions.ts';

/** Who is calling. `key` is equal for equal (issuer, subject, client, tenant) and different otherwise. */
export interface Principal {
  readonly key: string;
  readonly subject: string;
  readonly issuer?: string;
  readonly clientId?: string;
  readonly tenant?: string;
  readonly scopes: readonly string[];
  readonly groups?: readonly string[];
  /** What else its issuer says of it: claims with plain values, as texts. */
  readonly claims?: ReadonlyMap<string, readonly string[]>;
  /** When the credentials end, milliseconds since 1970; `undefined` for those that do not. */
  readonly expiresAt?: number;
}

/** What is known of the client that a call came from. */
export interface ClientFacts {
  readonly era: Era;
  readonly version: string;
  /** As declared by the client; `{}` when it declared nothing. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly info: Readonly<Record<string, unknown>> | undefined;
  /** The name of the profile that it has connected to. */
  readonly profile: string;
  /** Names the capabilities that upstreams are told of; equal for clients that may be told the same lists. */
  readonly audience: string;
}

/** Where a call goes. `exposed` is the name or URI the client used, `name` the one the upstream knows. */
export interface Target {
  readonly upstream: string;
  readonly exposed: string;
  readonly name: string;
}

/** How long a result stays good, and for whom (2026-07-28, caching). */
export interface Caching {
  /** Milliseconds. */
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
}

/** What a call that is made again carries beside its params, each as JSON text (2026-07-28, multi round-trip requests). */
export interface Continuation {
  readonly inputResponses: string | undefined;
  readonly requestState: string | undefined;
  /** Which of the sealed states a client brought it in; absent where Patchbay goes on by itself. */
  readonly state?: string | undefined;
}

/** What a request ends with. */
export type Outcome =
  /** The upstream's answer as it arrived, success or JSON-RPC error. `edits` are what Patchbay changes in it. */
  | {
      readonly kind: 'complete';
      readonly message: Message;
      readonly edits?: readonly Edit[];
    }
  /** An answer of Patchbay's own; `result` is JSON text of an object. */
  | {
      readonly kind: 'local';
      readonly result: string | Buffer;
      /** Members of its `_meta`, as JSON text `"key":value,…`. */
      readonly meta?: string | undefined;
      /** How long it stays good. */
      readonly cache?: Caching | undefined;
      /** Of which type it is, for modern clients; `complete` unless it says otherwise. */
      readonly resultType?: string;
    }
  | {
      readonly kind: 'error';
      readonly error: Fault;
      /** The upstream certainly did not process the request, so that it may be sent again. */
      readonly unsent?: boolean;
    };

/** One thing an upstream asks of the client: an elicitation, a sampling or the list of roots. */
export interface InputRequest {
  readonly method: string;
  /** The JSON text of its params; `undefined` when it has none. */
  readonly params: Buffer | undefined;
}

/** What came of an input request, as JSON text: the bare result, or the error object of the client's refusal. */
export type InputAnswer =
  | { readonly kind: 'result'; readonly json: Buffer }
  | { readonly kind: 'error'; readonly json: Buffer };

/** A set of input requests (elicitation, sampling, roots) that an upstream makes during a call. */
export interface Round {
  /** The upstream that asks. */
  readonly upstream: string;
  readonly requests: ReadonlyMap<string, InputRequest>;
  /** Hands one answer on. A second answer to one key has no effect. */
  answer(key: string, answer: InputAnswer): void;
  /** Progress of the client on one request, as the JSON text of a progress notification's params without its token. */
  progress(key: string, params: Readonly<Record<string, unknown>>): void;
  /** The client will not answer: every open request ends as the protocol has it (elicitation: cancel). */
  abandon(reason: string): void;
  /** The call that raised it is being cancelled upstream, which says it all: nothing is answered any more. */
  drop(): void;
  /** Whether it surely belongs to the call that it was handed to; on a stream that calls share it may be another's. */
  readonly certain: boolean;
  /** Hands it to another call that it may belong to. @returns false when there is none */
  elsewhere(): boolean;
  /** Called when the upstream takes its requests back. Set by whoever consumes the round. */
  onwithdrawn: ((reason: string | undefined) => void) | undefined;
}

/**
 * A reply that an answer is written to while it comes. Once it is there it stands in for the sink: the call ends by `end` or
 * by `cut`, once.
 */
export interface Drain {
  /**
   * Writes on.
   * @param spent memory that nothing but these pieces and those before them is in; it is given back when they are taken
   * @returns whether the client keeps up; when it does not, nothing more is to come until `onready` is called
   */
  write(pieces: readonly Buffer[], spent?: ArrayBuffer): boolean;
  onready: (() => void) | undefined;
  /** The answer is whole. */
  end(): void;
  /** The rest will not come: the connection is closed, so that the client notices. */
  cut(): void;
}

/** A reply that could take an answer while it comes. */
export interface Outlet {
  /** The id of the request as its client knows it now. */
  readonly id: RawId;
  /** Takes the reply for that. Nothing else goes to it from now on. */
  open(): Drain;
}

/** How an answer is passed on while it comes. */
export interface Passage extends Outlet {
  readonly result: ResultPlan;
}

/** Where a call's output currently goes: an HTTP stream, a parked buffer, a task record. */
export interface Sink {
  /** A progress notification whose token is already the client's own. */
  progress(notification: Buffer): void;
  /** A log notification raised while the call was served. */
  log(notification: Message): void;
  /** The upstream asks the client for something in the course of this call. */
  input(round: Round): void;
  /** Nothing comes for `retry` milliseconds, since the upstream closed its stream: the client may be sent away as well. */
  away(retry: number): void;
  /** The end; called exactly once. */
  done(outcome: Outcome): void;
  /**
   * @param size bytes of the answer, as far as that is known
   * @returns how a large answer may be passed on while it comes; `undefined` where it has to be whole
   */
  passage?(size: number): Passage | undefined;
  /** @returns a reply for that, where the client is at the end of this sink */
  outlet?(size: number): Outlet | undefined;
}

/** One HTTP exchange of a modern client, on which a call is answered; a call that waits for its client may get another. */
export interface Exchange {
  /** The id of the request, as it was spelled. */
  readonly id: RawId;
  /** The progress token of the request, as it was spelled. */
  readonly token: string | undefined;
  /** The least severe log messages that the client wants; none without it. */
  readonly logLevel: string | undefined;
  /** What the client declares with this request. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly over: boolean;
  progress(notification: Buffer): void;
  log(notification: Buffer): void;
  done(outcome: Outcome): void;
  /**
   * Takes the connection for an answer that is passed on while it comes; `undefined` where that cannot be. The drain calls
   * `over` when it was ended or cut; when the client hangs up, that is told as ever.
   */
  outlet(): ((over: () => void) => Drain) | undefined;
  /** Gives the connection up: another exchange has taken its place. */
  abandon(): void;
  /** Called when the client has hung up before the answer. */
  ongone: (() => void) | undefined;
  /** Called when the client reads more slowly than messages come, and when it has caught up. */
  onpressure: ((full: boolean) => void) | undefined;
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
  /** The params of the message. */
  params: Params;
  /** The span of `params._meta.progressToken` in the message. */
  progressToken: Span | undefined;
  /** The token that the client is told of progress under, as it is spelled. */
  readonly shownToken: string | undefined;
  /** The least severe log messages that the client wants of this call; `undefined` where it asked for none. */
  readonly logLevel: string | undefined;
  /** What the client answered when the upstream asked it for something in an earlier round. */
  continuation: Continuation | undefined;
  /** The `Mcp-Param-*` headers of the request; `undefined` for clients of an era that has none. */
  readonly paramHeaders: Readonly<Record<string, string>> | undefined;
  /** Lets go of the exchange of a call that continues an earlier one; `undefined` for legacy clients. */
  readonly surrender: (() => Exchange) | undefined;
  /** HTTP headers that the upstream wants with it beside the usual ones (2026-07-28, `Mcp-Param-*`). */
  headers: Readonly<Record<string, string>> | undefined;
  target: Target | undefined;
  /** The arguments that go out, where they are not those that came. */
  arguments?: Arguments | undefined;
  /** How large its result may be: bytes of its JSON text, and what the client is told of one that is larger. */
  resultLimit?: { readonly bytes: number; readonly fault: Fault } | undefined;
  /** The owner of the link that it went out on. */
  scope: string | undefined;
  deadline: Deadline | undefined;
  sink: Sink;
  /** Set once the call is cancelled or finished: nothing more is written to its sink. */
  readonly ended: boolean;
  /** Whether its client is there to be asked something now. */
  readonly present: boolean;
  /** A client capability that its upstream counted on although it was not declared. */
  lacking: string | undefined;
  /** Calls `listener` when the client cancels (never for a mere disconnect of a legacy client). One listener at a time. */
  oncancel: ((reason: string | undefined) => void) | undefined;
  /** Calls `listener` with true when the sink takes messages more slowly than they come, with false when it has caught up. */
  onpressure: ((full: boolean) => void) | undefined;
}
