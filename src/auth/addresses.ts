/** Under which URLs clients reach this gateway: what tokens are for, and where metadata says that things are. */

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * The URL is configured, or, where it is not, the address that is listened on. On this machine a user may write
 * `localhost` as well as `127.0.0.1`, and a client compares what it is told with what the user wrote: there, the name in
 * the request counts. Nothing else in a request does.
 */
export class Addresses {
  readonly #configured: string | undefined;
  #base: string;
  #local: boolean;

  /** @param publicUrl as configured, without a slash at its end */
  constructor(publicUrl: string | undefined) {
    this.#configured = publicUrl && canonical(publicUrl);
    this.#base = this.#configured ?? 'http://127.0.0.1';
    this.#local = this.#configured !== undefined && isLocal(this.#configured);
  }

  /** The gateway listens. @param url scheme, host and port */
  listening(url: string): void {
    if (this.#configured !== undefined) return;
    this.#base = canonical(url);
    this.#local = isLocal(this.#base);
  }

  /** The one URL that does not depend on who asks, without a slash at its end. */
  get base(): string {
    return this.#base;
  }

  /** The path part of it, without a slash at its end. */
  get path(): string {
    return new URL(this.#base).pathname.replace(/\/$/, '');
  }

  /** The same for a request. @param host its Host header */
  baseFor(host: string | undefined): string {
    if (!this.#local || host === undefined || !LOOPBACK.test(host)) return this.#base;
    const own = new URL(this.#base);
    const asked = URL.parse(`http://${host}`);
    return asked && asked.port === own.port ? `http://${asked.host}` : this.#base;
  }

  /** Whether a URL is that of an endpoint of this gateway. @param path of the endpoint, such as `/mcp` */
  isEndpoint(url: string, path: string): boolean {
    const asked = URL.parse(url);
    return asked !== null && canonical(url) === `${this.baseFor(asked.host)}${path}`;
  }
}

/** Whether a URL is that of a server of this machine which has it for itself. */
function isLocal(url: string): boolean {
  const { protocol, host, pathname } = new URL(url);
  return protocol === 'http:' && pathname === '/' && LOOPBACK.test(host);
}

/** Scheme and host in lower case, no default port, no slash at the end. */
const canonical = (url: string): string => new URL(url).href.replace(/\/$/, '');
