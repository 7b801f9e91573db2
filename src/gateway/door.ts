/** What the door does beside letting in and refusing: it counts, and writes the audit trail. */
import type { FastifyRequest } from 'fastify';
import { type ApiKeys, KEYS_ISSUER } from '../auth/api-keys.ts';
import { isChallenged } from '../auth/challenge.ts';
import { Failures } from '../auth/failures.ts';
import type { Config } from '../config/schema.ts';
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import type { Tallies } from '../storage/tallies.ts';
import type { Audit } from '../telemetry/audit.ts';

export interface Door {
  readonly audit: Audit;
  readonly failures: Failures;
  /** Most requests of one principal in a minute; 0 for no limit. */
  readonly calls: number;
  /** How often those who sign in may ask for something. */
  readonly signIn: SignInLimits;
  /** A request was let in. */
  arrived?(principal: Principal, request: FastifyRequest): void;
  /** Takes over other limits. What was counted so far goes on to count. */
  configure(limits: Config['auth']['limits']): void;
}

export interface SignInLimits {
  /** Most requests of one address in a minute; 0 for no limit. */
  readonly signIn: number;
  /** Most registrations of one address in an hour; 0 for no limit. */
  readonly registrations: number;
}

/**
 * @param keys whose use is told in the audit trail
 * @param tallies brings the counts of several workers together
 */
export function createDoor({ mode, limits }: Config['auth'], audit: Audit, keys?: ApiKeys, tallies?: Tallies): Door {
  const reached = (address: string): void => audit('limited', { limit: 'auth.limits.failures', address });
  const failures = new Failures(limits.failures, reached, Date.now, tallies);
  let now = limits;
  return {
    audit,
    failures,
    get calls() {
      // everyone is the same principal there
      return mode.includes('none') ? 0 : now.calls;
    },
    get signIn() {
      return now;
    },
    configure(next) {
      now = next;
      failures.configure(next.failures);
    },
    ...(keys && {
      arrived: (principal, request) => {
        if (principal.issuer === KEYS_ISSUER) keys.used(principal, request.ip);
      },
    }),
  };
}

/**
 * Takes note of a refusal of credentials. That some are needed is told to every client, as its first step to a sign-in:
 * it counts, and is in no audit trail.
 * @returns what to answer: the fault, or that there were too many
 */
export function noteRefusal({ audit, failures }: Door, request: FastifyRequest, fault: Fault): Fault {
  if (!isChallenged(fault)) return fault;
  if (fault.fault !== 'unauthenticated') {
    const { ip: address, method, principal } = request;
    const who = principal && { principal: principal.subject, issuer: principal.issuer, client: principal.clientId };
    audit('refused', { fault: fault.fault, status: fault.status, address, method, ...who, reason: fault.message });
  }
  // whoever has too little scope has a good token
  if (fault.fault === 'insufficientScope') return fault;
  try {
    failures.count(request.ip);
    return fault;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    error.id = fault.id;
    return error;
  }
}

/**
 * Takes note of who comes with the session of somebody else. They are told the same as of one that never was; the audit
 * trail knows better.
 * @param owner whose session it is, if there is one
 */
export function noteForeign({ audit }: Door, request: FastifyRequest, owner: Principal | undefined): void {
  const { principal, ip: address, method } = request;
  if (!owner || owner.key === principal.key) return;
  const who = { principal: principal.subject, issuer: principal.issuer, client: principal.clientId };
  const reason = 'the session is that of another principal';
  audit('refused', { fault: 'sessionUnknown', status: 404, address, method, ...who, reason });
}
