/** What every part of the front shares: the running gateway. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../auth/auth.ts';
import type { Profile } from '../auth/profiles.ts';
import type { AuthorizationServer } from '../auth/server/authorization-server.ts';
import type { MethodContext } from '../methods/context.ts';
import type { Listener } from '../methods/listeners.ts';
import type { Call, ClientFacts, Exchange, Principal, Round } from '../protocol/call.ts';
import type { Message } from '../protocol/message.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Door } from './door.ts';
import type { PinBoard } from './pin-board.ts';
import type { ReplyTiming } from './post-reply.ts';
import type { Peers } from './workers/peers.ts';

/** What a call needs of the gateway to reach its client. */
export interface CallHost {
  /** Whether upstreams are told apart by name in what people read. */
  readonly labelled: boolean;
  /** Asks the client; gives what takes the question back. */
  ask(session: LegacySession, round: Round, call: Call, stream: SessionStream): (reason: string) => void;
}

/** A call of a modern client that is in progress. */
export interface InProgress {
  readonly principal: Principal;
  readonly client: ClientFacts;
  /** Where it is answered; `undefined` while it waits for its client to come back. */
  readonly exchange: Exchange | undefined;
  /** The gateway ends before the answer is there. */
  cutOff(): void;
  /** The credentials that it was made with are good no more. */
  takeBack(): void;
}

/** A request of a modern client that has passed the checks at the door. */
export interface Asked {
  readonly principal: Principal;
  readonly client: ClientFacts;
  readonly message: Message;
  readonly logLevel: string | undefined;
  readonly paramHeaders: Readonly<Record<string, string>>;
}

export interface Gateway {
  readonly context: MethodContext;
  /** The other workers on the same port, where there are several. */
  readonly peers: Peers | undefined;
  /** What definitions are held against. */
  readonly pins: PinBoard | undefined;
  readonly timing: ReplyTiming;
  readonly host: CallHost;
  readonly log: Logger;
  readonly maxDepth: number;
  readonly maxInFlight: number;
  /** Who may connect. */
  readonly auth: Auth;
  readonly door: Door;
  /** Whether everyone is let in. */
  readonly open: boolean;
  /** Where people and clients sign in, when that is here. */
  readonly signIn: AuthorizationServer | undefined;
  guard(request: FastifyRequest, reply: FastifyReply): void;
  /** The path part of the public URL, without a slash at its end. */
  readonly basePath: string;
  /** Calls of modern clients in progress, those that wait for their clients included. */
  readonly modernCalls: Set<InProgress>;
  /** How long a connection may take nothing of what there is for it, milliseconds. */
  readonly patience: number;
  /** After what time clients come back to a stream that was closed, milliseconds. */
  readonly retry: number;
  /** A session has begun. */
  opened(session: LegacySession): void;
  /** A modern client listens from now on. */
  listening(listener: Listener): void;
  /** Whether the gateway takes no new work any more. */
  draining(): boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; known before the body is read. */
    principal: Principal;
    /** What it is for; known before who calls. */
    profile: Profile;
  }
}
