/** What a request is about, in a form that is equal for equal requests however they are spelled (RFC 8785 in spirit). */
import { createHash } from 'node:crypto';

/** A digest of JSON text that does not depend on the order of members or on white space, but on every value. */
export function salientDigest(json: string): string {
  // numbers that JavaScript cannot tell apart are told apart by their spelling
  const value = JSON.parse(json, function (this: unknown, _key, item: unknown, context?: { source?: string }) {
    if (typeof item !== 'number' || Number.isSafeInteger(item) || context?.source === undefined) return item;
    return { '\0number': context.source };
  } as (this: unknown, key: string, value: unknown) => unknown);
  return createHash('sha256').update(canonical(value)).digest('base64url');
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : item,
  );
