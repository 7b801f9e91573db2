/** Where a gateway listens, in words for people. */

/** Why that is not possible, and what to do. */
export function listenError({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'this port is in use already; choose another with --port or server.port';
  if (code === 'EACCES') return 'no permission to listen on this port; choose one above 1023';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address; check --host or server.host';
  return `cannot listen: ${message}`;
}

/** The host part of a URL that reaches a listen address from this machine. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
