/** One spelling for equal JSON values, for comparing and hashing them. */

/**
 * The JSON text of a value with the members of objects in code unit order; equal for values that differ in nothing but
 * the order of members and the spelling of numbers and strings.
 * @param value as `JSON.parse` builds it
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
