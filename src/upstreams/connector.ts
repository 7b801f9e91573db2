/** Opens links to one upstream over whichever transport its configuration asks for. */
import { Pool } from 'undici';
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { HttpEndpoint } from './http-endpoint.ts';
import { HttpWire } from './http-wire.ts';
import { Launcher, type Running } from './launcher.ts';
import { LegacyLink } from './legacy-link.ts';
import type { ClientIdentity, Link, LinkListener } from './link.ts';
import type { OpenControl } from './link-options.ts';
import { Spares } from './spares.ts';
import { deadlineOf, type UpstreamSpec } from './spec.ts';
import { SseWire } from './sse-wire.ts';
import { StartedServer } from './started-server.ts';
import { StdioWire } from './stdio-wire.ts';
import { type Wire, WireFault } from './wire.ts';

/** Statuses with which a server that knows only HTTP+SSE answers a POST (2025-11-25, backwards compatibility). */
const NOT_STREAMABLE = new Set([400, 404, 405]);

export class Connector {
  readonly #log: Logger;
  readonly #launcher: Launcher;
  readonly #server: StartedServer | undefined;
  readonly #spares: Spares;
  #pool: { readonly origin: string; readonly pool: Pool } | undefined;

  constructor(spec: UpstreamSpec, log: Logger) {
    this.#log = log;
    this.#launcher = new Launcher(spec, log);
    this.#server = spec.process && spec.http ? new StartedServer(this.#launcher) : undefined;
    this.#spares = new Spares(spec.spares, () => this.#launcher.start(), log);
  }

  get spec(): UpstreamSpec {
    return this.#launcher.spec;
  }

  /** Replaces its limits; where it leads stays the same. */
  set spec(spec: UpstreamSpec) {
    this.#launcher.spec = spec;
  }

  /**
   * @throws WireFault when the upstream cannot be reached or refuses the handshake
   */
  async open(client: ClientIdentity, listener: LinkListener, control: OpenControl = {}): Promise<Link> {
    const { http } = this.spec;
    if (!http) return this.#openStdio(client, listener, control);
    const endpoint = this.#endpoint(this.#server ? await this.#server.address() : new URL(http.url));
    if (http.transport === 'sse') return this.#link(new SseWire(endpoint, this.#log), client, listener, control);
    try {
      return await this.#link(new HttpWire(endpoint, this.#log), client, listener, control);
    } catch (error) {
      if (http.transport !== 'auto' || !notStreamable(error)) throw error;
      this.#log.debug('no Streamable HTTP there, trying HTTP+SSE');
      // when that fails as well, the first failure is the one that tells what is wrong
      return await this.#link(new SseWire(endpoint, this.#log), client, listener, control).catch((second: Error) => {
        this.#log.debug({ err: second.message }, 'no HTTP+SSE there either');
        throw error;
      });
    }
  }

  async close(): Promise<void> {
    await this.#pool?.pool.destroy();
    await Promise.all([this.#server?.close(), this.#spares.close()]);
  }

  /** Over a spare process where there is one; one that has gone in the meantime is no reason to fail. */
  async #openStdio(client: ClientIdentity, listener: LinkListener, control: OpenControl): Promise<Link> {
    const over = (launch: () => Promise<Running>): [StdioWire, Promise<Link>] => {
      const wire = new StdioWire(launch, this.spec.maxMessageSize);
      return [wire, this.#link(wire, client, listener, control)];
    };
    const spare = this.#spares.take();
    const [wire, opening] = over(spare ? async () => spare : () => this.#launcher.start());
    const link = await opening.catch((error: Error) => {
      if (!spare || !wire.lost || control.signal?.aborted) throw error;
      this.#log.debug({ err: error.message }, 'a spare process was lost, starting another');
      return over(() => this.#launcher.start())[1];
    });
    this.#spares.opened();
    return link;
  }

  #link(wire: Wire, client: ClientIdentity, listener: LinkListener, control: OpenControl): Promise<Link> {
    const { name, timeouts } = this.spec;
    return LegacyLink.open({
      upstream: name,
      wire,
      log: this.#log,
      listener,
      deadline: (call) => deadlineOf(this.spec.timeouts, call),
      client,
      openTimeout: timeouts.open,
      control,
    });
  }

  #endpoint(url: URL): HttpEndpoint {
    if (this.#pool?.origin !== url.origin) {
      // a server that was started anew has another port, and whoever was at the old one is gone
      void this.#pool?.pool.destroy();
      // the deadlines of calls are the link's; the pool must not end a stream that is merely quiet
      const options = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: this.spec.timeouts.open } };
      this.#pool = { origin: url.origin, pool: new Pool(url.origin, options) };
    }
    const { name, http, maxMessageSize } = this.spec;
    return { upstream: name, url, headers: http!.headers, pool: this.#pool.pool, maxMessageSize };
  }
}

function notStreamable(error: unknown): boolean {
  const cause = error instanceof WireFault ? error.cause : undefined;
  return cause instanceof Fault && cause.fault === 'upstreamStatus' && NOT_STREAMABLE.has(Number(cause.details.status));
}
