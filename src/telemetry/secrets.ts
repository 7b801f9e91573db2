/**
 * Keeps credentials out of logs: members whose names say that they are one, at any depth, and texts that look like one, such
 * as the query of a URL (RFC 6749 §10.3, RFC 9700 §4.3).
 */

export const CENSOR = '[redacted]';

/** Names as compared: lower case, without `-` and `_`. */
const NAMES: ReadonlySet<string> = new Set([
  ...['authorization', 'proxyauthorization', 'cookie', 'setcookie', 'dpop', 'xapikey', 'apikey', 'mcpsessionid'],
  ...['codeverifier', 'clientassertion', 'assertion', 'passphrase', 'passwd', 'privatekey', 'logintokenhint'],
]);
const ENDINGS = ['token', 'secret', 'password'];
/** Which call it is, chosen by the client; no credential. */
const NO_SECRET: ReadonlySet<string> = new Set(['progresstoken']);

/** What a `code` may be that says what went wrong: `ECONNREFUSED`, `invalid_type`, `FST_ERR_VALIDATION`. */
const ERROR_CODE = /^(?:[A-Z][A-Z0-9_]{0,63}|[a-z][a-z_]{0,63})$/;

/** Deeper members are left out: no line of the log is about them. */
const DEEPEST = 10;

const PARAMETERS = 'code|code_verifier|client_secret|client_assertion|password|api_?key|(?:[a-z]+_)?token';
const PARAMETER = new RegExp(`([?&#;](?:${PARAMETERS})=)[^&#;\\s"'\\\\<>]+`, 'gi');
/** What follows is no word: it has a digit, a sign, or capitals in the middle. */
const CREDENTIAL = String.raw`(?=[\w.~+/-]*(?:[\d._~+/=]|[a-z][A-Z]))[\w.~+/-]{8,}=*`;
const SCHEME = new RegExp(String.raw`\b((?:[Bb]earer|BEARER|DPoP|DPOP|dpop|[Bb]asic|BASIC)\s+)${CREDENTIAL}`, 'g');
/** A compact JWS or JWE (RFC 7515 §7.1): three or five parts, of which the first is a JSON object. */
const COMPACT = /\beyJ[\w-]{8,}(?:\.[\w-]*){2,4}/g;

/** Whether the value of a member of this name is a credential. */
export function isSecretName(name: string, value: unknown): boolean {
  if (name === 'code') return typeof value === 'string' && !ERROR_CODE.test(value);
  const plain = name.toLowerCase().replace(/[-_]/g, '');
  if (NAMES.has(plain)) return true;
  return ENDINGS.some((ending) => plain.endsWith(ending)) && !NO_SECRET.has(plain);
}

/**
 * A value as it may be logged. Errors stay what they are, since the log has its own way to write them.
 * @returns the same value where nothing had to go
 */
export const withoutSecrets = <T>(value: T): T => walk(value, 0, new Map()) as T;

/** @param seen what became of each object that was met before */
function walk(value: unknown, depth: number, seen: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || ArrayBuffer.isView(value)) return value;
  // it says itself how it is written
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value;
  if (depth >= DEEPEST) return CENSOR;
  if (seen.has(value)) return seen.get(value);
  seen.set(value, '[circular]');
  const kept = Array.isArray(value) ? walkList(value, depth, seen) : walkMembers(value, depth, seen);
  seen.set(value, kept);
  return kept;
}

function walkMembers(value: object, depth: number, seen: Map<object, unknown>): object {
  let copy: object | undefined;
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const kept = member != null && isSecretName(name, member) ? CENSOR : walk(member, depth + 1, seen);
    if (kept === member) continue;
    copy ??= { ...value };
    Object.defineProperty(copy, name, { value: kept, enumerable: true, configurable: true, writable: true });
  }
  return copy ?? value;
}

function walkList(list: readonly unknown[], depth: number, seen: Map<object, unknown>): readonly unknown[] {
  const kept = list.map((member, i) => {
    // headers are kept as names and values in turn, or in pairs
    const name = i % 2 === 1 ? list[i - 1] : undefined;
    const isValue = typeof name === 'string' && typeof member === 'string';
    return isValue && name !== 'code' && isSecretName(name, member) ? CENSOR : walk(member, depth + 1, seen);
  });
  return kept.every((member, i) => member === list[i]) ? list : kept;
}

/** A line of the log with everything masked that looks like a credential, whatever member it is in. */
export function maskCredentials(line: string): string {
  return line.replace(PARAMETER, `$1${CENSOR}`).replace(SCHEME, `$1${CENSOR}`).replace(COMPACT, CENSOR);
}
