/** What every part of the front shares: the running gateway. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from '../auth/authenticate.ts';
import type { MethodContext } from '../methods/context.ts';
import type { Call, Principal, Round } from '../protocol/call.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import type { Logger } from '../telemetry/log.ts';
import type { ReplyTiming } from './post-reply.ts';

/** What a call needs of the gateway to reach its client. */
export interface CallHost {
  /** Whether upstreams are told apart by name in what people read. */
  readonly labelled: boolean;
  /** Asks the client; gives what takes the question back. */
  ask(session: LegacySession, round: Round, call: Call, stream: SessionStream): (reason: string) => void;
}

export interface Gateway {
  readonly context: MethodContext;
  readonly timing: ReplyTiming;
  readonly host: CallHost;
  readonly log: Logger;
  readonly maxDepth: number;
  readonly maxInFlight: number;
  readonly authenticate: Authenticate;
  guard(request: FastifyRequest, reply: FastifyReply): void;
  /** The path part of the public URL, without a slash at its end. */
  readonly basePath: string;
  /** A session has begun. */
  opened(session: LegacySession): void;
  /** Whether the gateway takes no new work any more. */
  draining(): boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; known before the body is read. */
    principal: Principal;
  }
}
