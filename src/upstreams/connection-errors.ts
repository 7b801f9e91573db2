/** Why an HTTP upstream could not be reached, or was lost, in words for people; codes are for the log. */
import type { Logger } from '../telemetry/log.ts';

const NO_TLS = 'it does not speak TLS there; check whether its url begins with http instead of https';
const LATE = 'it could not be connected to in time (timeouts.open); check that it runs, and its url';
const CLOSED = 'it closed the connection; its own log may say why';
const OUT_OF_FILES = 'this machine has too many files and sockets open (ulimit -n)';

/** What each code means, and what to do, as far as the code tells. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at its address; check that it runs, and its url',
  ENOTFOUND: 'its host name is unknown; check its url',
  EAI_AGAIN: 'its host name could not be looked up; check the name server of this machine',
  ETIMEDOUT: LATE,
  UND_ERR_CONNECT_TIMEOUT: LATE,
  EHOSTUNREACH: 'there is no way to its host; check its url and the network of this machine',
  ENETUNREACH: 'there is no way to its network; check its url and the network of this machine',
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its answer has another length than it said; its own log may say why',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of its answer are too large; check what its url leads to',
  UND_ERR_INVALID_ARG: 'its url or headers cannot be sent; check their characters',
  UND_ERR_CLOSED: 'it is being closed',
  UND_ERR_DESTROYED: 'it is being closed',
  EADDRNOTAVAIL: 'this machine has no free port for another connection',
  EMFILE: OUT_OF_FILES,
  ENFILE: OUT_OF_FILES,
  EACCES: 'this machine does not allow connections to its address; check its firewall',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clocks of both machines',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name; check its url',
};

/** What the rest of the codes have in common. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/, 'its certificate is not trusted; name its authority in NODE_EXTRA_CA_CERTS'],
  [/^HPE_/, 'it does not speak HTTP there; check its url'],
  [/^(ERR_(SSL|TLS)_|CERT_)/, 'no secure connection could be agreed on; check its certificate and its versions of TLS'],
  [/./, 'the connection to it failed; the log of Patchbay has the code of the error (level debug)'],
];

/** The text for an error of a connection, without its code, which is logged; one that has no code speaks for itself. */
export function connectionError({ code = '', message }: NodeJS.ErrnoException, log: Logger): string {
  log.debug({ code }, 'the connection to the upstream failed');
  return MEANINGS[code] ?? FAMILIES.find(([family]) => family.test(code))?.[1] ?? message;
}
