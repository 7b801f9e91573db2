/** One live connection to an upstream, the same for every transport and era. */
import type { Call, Round } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Message } from '../protocol/message.ts';
import type { WireFault } from './wire.ts';

/** What an upstream is told of the client side when a link opens. */
export interface ClientIdentity {
  /** A name for the capabilities; equal for clients that may be told the same lists. */
  readonly audience: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly info: Readonly<Record<string, unknown>>;
  /** Whether the link is to hear of changes of lists, in the era that has to be asked for that. */
  readonly lists?: boolean;
}

/** The lists an upstream can say have changed. */
export type ListKind = 'tools' | 'prompts' | 'resources';

export interface LinkListener {
  /** One of the upstream's lists is out of date. */
  listChanged(kind: ListKind): void;
  /** Anything but answers may have been missed. */
  missed(): void;
  /** A log message that belongs to no call in particular. */
  log(notification: Message): void;
  /** The upstream asks the client for something outside of any call. */
  input(round: Round): void;
  /** A resource that somebody subscribed to over this link has changed (`notifications/resources/updated`). */
  updated(notification: Message): void;
  /** A task that is followed has changed (`notifications/tasks`). */
  tasked(notification: Message): void;
  /** An elicitation in URL mode is over (`notifications/elicitation/complete`). */
  elicited(notification: Message): void;
  /** A request was answered. */
  answered(): void;
  /** A request got nothing, and there is no other sign of life. */
  silent(reason: string): void;
  /** The link is over; `fault` says why unless it was closed on purpose. Called once. */
  closed(fault: WireFault | undefined): void;
}

export interface Link {
  /** The upstream's name in the config. */
  readonly upstream: string;
  /** What the upstream said of itself when the link was opened. */
  readonly server: ServerFacts;
  readonly closed: boolean;
  /** Whether requests carry HTTP headers that the upstream's tools declare. */
  readonly headers: boolean;
  /** Whether the last that is known of the upstream over this link is that it gave no answer. */
  readonly suspect: boolean;
  /** What the upstream was told of the client. */
  readonly declared: Readonly<Record<string, unknown>>;
  /**
   * Whether a call of this session could be taken for one of another that is in flight here: the upstream may ask their
   * clients or log, and its transport does not tell which call a message belongs to.
   */
  confuses(session: string | undefined): boolean;
  /** The session that all calls of clients in flight belong to; `undefined` when there are none or of several. */
  readonly soleSession: string | undefined;
  /** Calls that are waiting for their answer. */
  readonly inFlight: number;
  /**
   * Sends the call to the upstream under its upstream name. Progress and the outcome go to the call's sink; `oncancel` of
   * the call is taken over until then.
   */
  request(call: Call): void;
  /** Withdraws one call: exactly its upstream request is cancelled, and nothing more reaches its sink from here. */
  cancel(call: Call, reason?: string): void;
  notify(method: string, params?: unknown): void;
  /** Resolves when what the upstream says of its own accord is heard from now on, or will not be for a while. */
  attached(): Promise<void>;
  /**
   * Hears of changes of a task from now on (extension io.modelcontextprotocol/tasks). @returns ends that
   * @throws Fault when the upstream does not agree
   */
  followTask(id: string): Promise<() => void>;
  close(): Promise<void>;
}
