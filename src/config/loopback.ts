import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whether a listen address can be reached from this machine alone: `localhost`, 127.0.0.0/8 or `::1`, the last with or
 * without brackets. Any other name counts as reachable from outside, because what it resolves to may change.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (isIPv4(bare)) return bare.startsWith('127.');
  if (isIPv6(bare)) return bare === '::1' || bare === '0:0:0:0:0:0:0:1' || bare.startsWith('::ffff:127.');
  return bare === 'localhost';
}
