/** An HTTP upstream that the gateway starts itself: one process for all links, started when first needed. */
import { connect, createServer } from 'node:net';
import { fillPort, hasPort } from '../config/port.ts';
import { exitText } from './child.ts';
import type { Launcher, Running } from './launcher.ts';
import { logStderr } from './stderr.ts';
import { WireFault } from './wire.ts';

/** Milliseconds. */
const POLL = 50;
/** How long one attempt to connect may take, milliseconds. */
const CONNECT = 1_000;

export class StartedServer {
  readonly #launcher: Launcher;
  /** Where the process that runs, or is being started, is found. */
  #address: Promise<URL> | undefined;
  /** The last one that was started. */
  #running: Running | undefined;
  #closing = false;

  constructor(launcher: Launcher) {
    this.#launcher = launcher;
  }

  /**
   * Starts the process unless it runs, and waits until its port accepts connections.
   * @returns the address to talk to
   * @throws WireFault when it cannot be started, ends at once, or does not listen within `timeouts.open`
   */
  async address(): Promise<URL> {
    if (this.#closing) throw new WireFault('it is being closed', { unsent: true });
    this.#address ??= this.#begin();
    return this.#address;
  }

  /** Ends the process. Resolves when nothing is left; later attempts to start it fail. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#address?.catch(() => undefined);
    await this.#running?.child.stop();
  }

  #begin(): Promise<URL> {
    const over = (): void => {
      if (this.#address === address) this.#address = undefined;
    };
    const address = this.#start(over);
    address.catch(over);
    return address;
  }

  /** @param over called when the process has ended */
  async #start(over: () => void): Promise<URL> {
    // what the one before left behind may still listen
    await this.#running?.child.over;
    const { process: command, http, timeouts } = this.#launcher.spec;
    const port = await freePort();
    const fill = (text: string): string => fillPort(text, port);
    const url = new URL(fill(http!.url));
    if (!hasPort(http!.url) && (await accepts(url)))
      throw new WireFault(`something else listens on ${url.host} already`, { unsent: true });
    const running = await this.#launcher.start({
      ...command!,
      args: command!.args.map(fill),
      env: Object.fromEntries(Object.entries(command!.env).map(([k, v]) => [k, fill(v)])),
    });
    this.#running = running;
    const { child, log, lastWords } = running;
    log.debug({ url: url.href }, 'waiting for it to listen');
    logStderr(child.stdout, log, running.redactor);
    let late = false;
    void child.exited.then(over);
    void child.closed.then((ending) => {
      if (!this.#closing && !late) log.warn({ ...ending, stderr: lastWords() }, 'the process ended by itself');
    });
    const until = Date.now() + timeouts.open;
    while (!(await accepts(url))) {
      if (child.ending) throw new WireFault(exitText(child.ending), { unsent: true });
      late = Date.now() > until;
      if (late || this.#closing) {
        await child.stop();
        const text = late
          ? `it did not listen on ${url.host} within ${timeouts.open} ms (timeouts.open)`
          : 'it is being closed';
        throw new WireFault(text, { unsent: true });
      }
      await new Promise((done) => setTimeout(done, POLL));
    }
    return url;
  }
}

/** A loopback TCP port that nobody listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    // its own: workers share the one port that clients come to
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, done);
  });
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (typeof address !== 'object' || !address) throw new WireFault('no free port', { unsent: true });
  return address.port;
}

function accepts(url: URL): Promise<boolean> {
  return new Promise((done) => {
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    // an IPv6 address stands in brackets in a URL, and nowhere else
    const socket = connect({ port, host: url.hostname.replace(/^\[|\]$/g, ''), timeout: CONNECT });
    const end = (up: boolean) => (): void => {
      socket.destroy();
      done(up);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
    socket.once('timeout', end(false));
  });
}
