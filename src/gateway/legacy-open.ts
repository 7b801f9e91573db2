/** The legacy handshake as a server: makes the session that everything else needs. */
import type { FastifyRequest } from 'fastify';
import { audienceOf, declaredCapabilities } from '../bridge/declare.ts';
import { isSole } from '../methods/context.ts';
import { initializeResult } from '../methods/initialize.ts';
import { type Message, paramsOf } from '../protocol/message.ts';
import { ParamsError } from '../protocol/params.ts';
import { negotiate } from '../protocol/versions.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { Gateway } from './gateway.ts';

/** The transport that a client came by. */
export interface Arrival {
  /** Whether it lets clients resume streams. */
  readonly resumable: boolean;
  /** Gives back the place that it has among its principal's sessions, where it took one before. */
  readonly place?: () => void;
}

/**
 * @param message an `initialize` request
 * @returns the new session and the result for the client as JSON text
 * @throws ParamsError when no version is asked for; Fault `sessionLimit`
 */
export async function openSession(
  gateway: Gateway,
  { principal, profile }: Pick<FastifyRequest, 'principal' | 'profile'>,
  message: Message,
  { resumable, place }: Arrival,
): Promise<{ session: LegacySession; result: string }> {
  const asked = paramsOf(message);
  if (typeof asked.protocolVersion !== 'string') throw new ParamsError('"protocolVersion" must be a string');
  const version = negotiate(asked.protocolVersion);
  const capabilities = asObject(asked.capabilities) ?? {};
  const audience = audienceOf(declaredCapabilities(capabilities, isSole(gateway.context)));
  const info = asObject(asked.clientInfo);
  const client = { era: 'legacy' as const, version, capabilities, info, profile: profile.name, audience };
  const session = gateway.context.sessions.create(principal, client, version, resumable, place);
  const { name, version: clientVersion } = info ?? {};
  gateway.log.info({ client: name, clientVersion, version, profile: profile.name }, 'session opened');
  const result = await initializeResult(gateway.context, version, session);
  session.opening = false;
  session.usedAt = Date.now();
  gateway.opened(session);
  return { session, result };
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
