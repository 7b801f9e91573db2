/** Why an HTTP upstream could not be reached, for the person who wrote the configuration. */

/** What each code means, and what to do, as far as the code tells. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at its address; check that it runs, and its url',
  ENOTFOUND: 'its host name is unknown; check its url',
  EAI_AGAIN: 'its host name could not be looked up; check the name server of this machine',
  ETIMEDOUT: 'it could not be connected to in time',
  UND_ERR_CONNECT_TIMEOUT: 'it could not be connected to in time (timeouts.open)',
  EHOSTUNREACH: 'there is no way to its host',
  ENETUNREACH: 'there is no way to its network',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  EPROTO: 'it does not speak TLS there; check whether its url begins with http instead of https',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there; check whether its url begins with http instead of https',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'it does not speak TLS there; check whether its url begins with http instead of https',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
};

/** A certificate that leads to no authority that is trusted here. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

/** The answer began with something else than HTTP, or broke its rules. */
const NO_HTTP = /^HPE_/;

/** The text for an error of a connection, with its code. */
export function connectionError({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === '') return message;
  const meaning =
    MEANINGS[code] ??
    (UNTRUSTED.test(code) ? 'its certificate is not trusted; name its authority in NODE_EXTRA_CA_CERTS' : undefined) ??
    (NO_HTTP.test(code) ? 'it does not speak HTTP there; check its url' : undefined);
  return meaning === undefined ? code : `${meaning} (${code})`;
}
