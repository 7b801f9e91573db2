/** Opens links to one upstream over whichever transport its configuration asks for. */
import type { Dispatcher } from 'undici';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Logger } from '../telemetry/log.ts';
import { UpstreamError } from './ask.ts';
import { probe, type Verdict } from './era-probe.ts';
import { EraVerdict } from './era-verdict.ts';
import type { HttpEndpoint } from './http-endpoint.ts';
import { HttpWire } from './http-wire.ts';
import { Launcher, type Running } from './launcher.ts';
import { LegacyLink } from './legacy-link.ts';
import type { ClientIdentity, Link, LinkListener } from './link.ts';
import type { LinkOptions, OpenControl } from './link-options.ts';
import { maskedRefusals } from './masked-refusals.ts';
import { ModernHttpWire } from './modern-http-wire.ts';
import { ModernLink } from './modern-link.ts';
import { OriginPool } from './origin-pool.ts';
import { isRefusal, isRefusedByStatus } from './refusal.ts';
import { Spares } from './spares.ts';
import { deadlineOf, type UpstreamSpec } from './spec.ts';
import { SseWire } from './sse-wire.ts';
import { StartedServer } from './started-server.ts';
import { StdioWire } from './stdio-wire.ts';
import { type Wire, WireFault } from './wire.ts';

/**
 * How long a process may take to say which era it is of, milliseconds. One that says nothing by then is taken to be of the
 * legacy era, and asked once more if it turns out that it is not.
 */
const PROBE = 2_000;

/** What a link is opened for. */
interface Opening {
  readonly client: ClientIdentity;
  readonly listener: LinkListener;
  readonly control: OpenControl;
}

export class Connector {
  readonly #era: EraVerdict;
  #patience = PROBE;
  readonly #log: Logger;
  readonly #launcher: Launcher;
  readonly #server: StartedServer | undefined;
  readonly #spares: Spares;
  #pool: { readonly of: OriginPool; readonly masked: Dispatcher } | undefined;

  constructor(spec: UpstreamSpec, log: Logger) {
    this.#log = log;
    this.#era = new EraVerdict(spec.protocol);
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
    this.#spares.resize(spec.spares);
  }

  /** A text of the upstream without the secrets that it was given. */
  mask(text: string): string {
    return this.#launcher.redactor.mask(text);
  }

  /**
   * @throws WireFault when the upstream cannot be reached or refuses the handshake
   */
  async open(client: ClientIdentity, listener: LinkListener, control: OpenControl = {}): Promise<Link> {
    try {
      return await this.#open({ client, listener, control });
    } catch (error) {
      // it tells in the upstream's own words why it refused
      if (error instanceof WireFault && error.cause instanceof UpstreamError) error.message = this.mask(error.message);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#pool?.of.destroy();
    await Promise.all([this.#server?.close(), this.#spares.close()]);
  }

  async #open(opening: Opening): Promise<Link> {
    const attempt = (): Promise<Link> => (this.spec.http ? this.#openHttp(opening) : this.#openStdio(opening));
    const believed = this.#era.legacy && this.#era.pinned === undefined;
    const patience = this.#patience;
    try {
      return await attempt();
    } catch (error) {
      this.#era.doubt();
      // one that used to know the handshake may have been replaced by one of the modern era, or was too slow to say so
      const guessed = (believed && isRefusal(error)) || this.#patience > patience;
      if (!guessed || opening.control.signal?.aborted) throw error;
      this.#log.debug({ err: (error as Error).message }, 'upstream is asked again what it is');
      return attempt();
    }
  }

  async #openHttp(opening: Opening): Promise<Link> {
    const http = this.spec.http!;
    const endpoint = this.#endpoint(this.#server ? await this.#server.address() : new URL(http.url));
    if (http.transport === 'sse') return this.#legacy(new SseWire(endpoint, this.#log), opening);
    if (!this.#era.legacy) {
      const wire = new ModernHttpWire(endpoint, this.#log);
      const verdict = await this.#probe(wire, opening, this.spec.timeouts.open, false);
      if (verdict.era === 'modern') return this.#modern(wire, verdict.server, opening);
      await wire.close();
      this.#foundLegacy(verdict.reason);
    }
    try {
      return await this.#legacy(new HttpWire(endpoint, this.#log), opening);
    } catch (error) {
      if (http.transport === 'auto' && isRefusedByStatus(error)) {
        this.#log.debug('no Streamable HTTP there, trying HTTP+SSE');
        // when that fails as well, the first failure is the one that tells what is wrong
        const link = await this.#legacy(new SseWire(endpoint, this.#log), opening).catch((second: Error) => {
          this.#log.debug({ err: second.message }, 'no HTTP+SSE there either');
        });
        if (link) return link;
      }
      throw error;
    }
  }

  /** Over a spare process where there is one; one that has gone in the meantime is no reason to fail. */
  async #openStdio(opening: Opening): Promise<Link> {
    const over = (launch: () => Promise<Running>): [StdioWire, Promise<Link>] => {
      const wire = new StdioWire(launch, this.spec.maxMessageSize);
      return [wire, this.#speak(wire, opening)];
    };
    const spare = this.#spares.take();
    const [wire, opened] = over(spare ? async () => spare : () => this.#launcher.start());
    const link = await opened.catch((error: Error) => {
      if (!spare || !wire.lost || opening.control.signal?.aborted) throw error;
      this.#log.debug({ err: error.message }, 'a spare process was lost, starting another');
      return over(() => this.#launcher.start())[1];
    });
    this.#spares.opened();
    return link;
  }

  /** Finds out what a process speaks, and speaks that. */
  async #speak(wire: StdioWire, opening: Opening): Promise<Link> {
    if (this.#era.legacy) return this.#legacy(wire, opening);
    wire.questioned = true;
    const { open } = this.spec.timeouts;
    const patience = this.#era.modern ? open : Math.min(this.#patience, open);
    const verdict = await this.#probe(wire, opening, patience, true);
    wire.questioned = false;
    if (verdict.era === 'modern') return this.#modern(wire, verdict.server, opening);
    if (verdict.sure) this.#foundLegacy(verdict.reason);
    // one that ended when it was asked is started anew, and asked what it knows
    const again = verdict.alive ? wire : new StdioWire(() => this.#launcher.start(), this.spec.maxMessageSize);
    let late = false;
    return this.#legacy(again, opening, () => {
      late = true;
    }).catch((error: Error) => {
      // it was only slow to start
      if (late || (!verdict.sure && isRefusal(error))) this.#patience = this.spec.timeouts.open;
      throw error;
    });
  }

  /** Asks an upstream what it speaks; the wire is closed when there is no answer, or the opening is given up. */
  async #probe(wire: Wire, { client, control }: Opening, ms: number, silent: boolean): Promise<Verdict> {
    const close = (): void => {
      const closing = wire.close();
      control.leaving?.(closing);
    };
    if (control.signal?.aborted) throw new WireFault('it is being closed', { unsent: true });
    control.signal?.addEventListener('abort', close, { once: true });
    try {
      return await probe(wire, client, ms, silent);
    } catch (error) {
      if (!control.signal?.aborted) close();
      throw error;
    } finally {
      control.signal?.removeEventListener('abort', close);
    }
  }

  #foundLegacy(reason: string): void {
    if (this.#era.pinned === 'modern')
      throw new WireFault(`it does not speak the protocol it is pinned to (protocol: modern): ${reason}`, {
        unsent: true,
      });
    this.#log.debug({ reason }, 'upstream is of the legacy era');
    this.#era.found('legacy');
  }

  #legacy(wire: Wire, opening: Opening, late?: () => void): Promise<Link> {
    return new LegacyLink({ ...this.#options(wire, opening), late }).open();
  }

  #modern(wire: Wire, server: ServerFacts, opening: Opening): Promise<Link> {
    this.#era.found('modern');
    return new ModernLink({ ...this.#options(wire, opening), server }).open();
  }

  #options(wire: Wire, { client, listener, control }: Opening): LinkOptions {
    const { name, timeouts } = this.spec;
    return {
      upstream: name,
      wire,
      log: this.#log,
      listener,
      deadline: (call) => deadlineOf(this.spec, call),
      client,
      openTimeout: timeouts.open,
      control,
    };
  }

  #endpoint(url: URL): HttpEndpoint {
    if (this.#pool?.of.origin !== url.origin) {
      // a server that was started anew has another port, and whoever was at the old one is gone
      void this.#pool?.of.destroy();
      const of = new OriginPool(url.origin, this.spec.timeouts.open);
      this.#pool = { of, masked: of.pool.compose(maskedRefusals(this.#launcher.redactor)) };
    }
    const { name, http, maxMessageSize } = this.spec;
    return { upstream: name, url, headers: http!.headers, pool: this.#pool.masked, maxMessageSize };
  }
}
