/** From what is known of a caller to the principal that everything of his is bound to. */
import type { Principal } from '../protocol/call.ts';

export interface Facts {
  readonly issuer: string;
  /** `undefined` for a client that acts for nobody but itself. */
  readonly subject: string | undefined;
  readonly clientId?: string | undefined;
  readonly tenant?: string | undefined;
  readonly scopes: readonly string[];
  readonly groups?: readonly string[] | undefined;
  readonly claims?: ReadonlyMap<string, readonly string[]> | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
}

/** A principal, whose key is equal for equal issuer, subject, client and tenant, and different otherwise. */
export function principalOf({
  issuer,
  subject,
  clientId,
  tenant,
  scopes,
  groups,
  claims,
  expiresAt,
}: Facts): Principal {
  return {
    // as JSON, so that no text in one member can pass for another
    key: JSON.stringify([issuer, subject ?? null, clientId ?? null, tenant ?? null]),
    subject: subject ?? clientId ?? '',
    issuer,
    scopes,
    ...(clientId === undefined ? {} : { clientId }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(groups === undefined ? {} : { groups }),
    ...(claims === undefined ? {} : { claims }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** Under which names an issuer says what. */
export interface ClaimNames {
  readonly subject: string;
  readonly scopes?: string | undefined;
  readonly client?: string | undefined;
  readonly tenant?: string | undefined;
  readonly groups: string;
}

export type Claims = Readonly<Record<string, unknown>>;

/**
 * What the claims of a token, or the members of an introspection answer, say of its bearer (RFC 9068 §2.2, RFC 7662 §2.2).
 * @returns `undefined` when they name neither a subject nor a client
 */
export function factsOf(issuer: string, claims: Claims, names: ClaimNames): Facts | undefined {
  const clientId =
    names.client === undefined ? (text(claims.client_id) ?? text(claims.azp)) : text(claims[names.client]);
  const subject = text(claims[names.subject]);
  if (subject === undefined && clientId === undefined) return undefined;
  return {
    issuer,
    subject,
    clientId,
    tenant: names.tenant === undefined ? undefined : text(claims[names.tenant]),
    scopes: list(names.scopes === undefined ? (claims.scope ?? claims.scp) : claims[names.scopes]),
    groups: Object.hasOwn(claims, names.groups) ? list(claims[names.groups]) : undefined,
    claims: plain(claims),
  };
}

/** Longest claim that is kept, in characters, and most values of one. */
const LONGEST = 1_024;
const MOST_VALUES = 1_000;

/** The claims that rules can be about: texts, numbers and yes or no, or lists of these. */
function plain(claims: Claims): ReadonlyMap<string, readonly string[]> {
  const kept = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(claims)) {
    const values = [value].flat().filter((one) => ['string', 'number', 'boolean'].includes(typeof one));
    const texts = values.map(String).filter(({ length }) => length <= LONGEST);
    if (texts.length > 0) kept.set(name, texts.slice(0, MOST_VALUES));
  }
  return kept;
}

/** The key that the bearer of a token must have, and whether there are other demands, which nobody here could check. */
export function bindingOf({ cnf }: Claims): { readonly jkt?: string; readonly other: boolean } {
  if (cnf === undefined || cnf === null) return { other: false };
  const { jkt, ...rest } = (typeof cnf === 'object' ? cnf : { cnf }) as Record<string, unknown>;
  const other = Object.keys(rest).length > 0 || (jkt !== undefined && text(jkt) === undefined);
  return typeof jkt === 'string' && jkt !== '' ? { jkt, other } : { other: true };
}

/** The audiences that a token names. */
export const audiencesOf = ({ aud }: Claims): readonly string[] =>
  [aud ?? []].flat().filter((one): one is string => typeof one === 'string');

const text = (value: unknown): string | undefined => {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** Text with blanks between, or an array of texts. */
function list(value: unknown): readonly string[] {
  const items = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return [...new Set(items.filter((item): item is string => typeof item === 'string' && item !== ''))];
}
