/**
 * The audit trail: one line of the log for each thing that bears on who may do what, with the member `audit` that names
 * it. A line tells who, through which client and from where, and never what they proved it with.
 */
import type { Logger } from './log.ts';

/** What is written down. The same words are in the log and in docs/audit.md. */
export const AUDIT_EVENTS = [
  'sign-in',
  'sign-in failed',
  'sign-out',
  'consent',
  'consent denied',
  'client registered',
  'token issued',
  'token revoked',
  'refused',
  'limited',
  'denied',
  'key created',
  'key used',
  'key revoked',
  'user added',
  'user changed',
  'user removed',
  'signing key rotated',
] as const;
export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/**
 * Writes a line. Facts have plain names: `user`, `principal`, `client`, `address`, `key`, `scopes`, `resource`, `reason`.
 * Those that are undefined are left out.
 */
export type Audit = (event: AuditEvent, facts: object) => void;

/** Nothing is written down. */
export const noAudit: Audit = () => undefined;

/** Longest text of a fact: much of it is chosen by strangers. */
const LONGEST = 300;
const MOST_ITEMS = 50;
/** Names that secrets go by, wherever they stand. */
const SECRET = /^(access_?|refresh_?|id_?)?token$|secret|passw|assertion|authorization|cookie|verifier|^code$|^csrf$/i;
/** What looks like a secret in a text: API keys, tokens that are JWTs, hashes of passwords. */
const LOOKS_SECRET =
  /pbk_[0-9a-z]+_\w+|\beyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)*|\bscrypt\$\S+|((?:bearer|dpop|basic)\s+)[\w\-.~+/]{8,}=*/gi;

/** The audit trail in a log, at level `info`. */
export function auditTo(log: Logger): Audit {
  return (event, facts) => {
    log.info({ audit: event, ...(plain(facts, 0) as object) }, event);
  };
}

/** What is safe to write: short texts, no secrets, and nothing deep. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return shown(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (depth > 2) return '…';
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => plain(item, depth + 1));
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && typeof item !== 'function');
  return Object.fromEntries(
    entries
      .slice(0, MOST_ITEMS)
      .map(([name, item]) => [name, SECRET.test(name) ? '[redacted]' : plain(item, depth + 1)]),
  );
}

function shown(text: string): string {
  const masked = text.replace(LOOKS_SECRET, '[redacted]');
  return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
}
