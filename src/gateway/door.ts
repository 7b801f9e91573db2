/** What the door does beside letting in and refusing: it counts, and writes the audit trail. */
import type { FastifyRequest } from 'fastify';
import type { Failures } from '../auth/failures.ts';
import { type ErrorName, Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import type { Audit } from '../telemetry/audit.ts';

export interface Door {
  readonly audit: Audit;
  readonly failures: Failures;
  /** Most requests of one principal in a minute; 0 for no limit. */
  readonly calls: number;
  /** A request was let in. */
  arrived?(principal: Principal, request: FastifyRequest): void;
}

/** Refusals of what somebody showed to be let in, which count as failures. */
const FAILURES: ReadonlySet<ErrorName> = new Set(['unauthenticated', 'invalidToken', 'badCredentials']);

/**
 * Takes note of a refusal. That a token is needed is told to every client once, as its first step to a sign-in: it counts,
 * and is in no audit trail.
 * @returns what to answer: the fault, or that there were too many
 */
export function noteRefusal({ audit, failures }: Door, request: FastifyRequest, fault: Fault): Fault {
  const { fault: reason, message, details } = fault;
  if (reason === 'insufficientScope') {
    const { subject, issuer, clientId } = request.principal ?? {};
    audit('refused', {
      reason,
      scope: details.scope,
      principal: subject,
      issuer,
      client: clientId,
      address: request.ip,
    });
    return fault;
  }
  if (!FAILURES.has(reason)) return fault;
  try {
    failures.count(request.ip);
    if (reason !== 'unauthenticated') audit('refused', { reason, text: message, address: request.ip });
    return fault;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    error.id = fault.id;
    return error;
  }
}
