/** An HTTP upstream that the gateway starts itself: one process for all links, started when first needed. */
import { connect, createServer } from 'node:net';
import { fillPort } from '../config/port.ts';
import type { Logger } from '../telemetry/log.ts';
import { type Child, exitText, startChild, stopChild } from './child.ts';
import type { UpstreamSpec } from './spec.ts';
import { logStderr } from './stderr.ts';
import { WireFault } from './wire.ts';

const POLL = 50;

export class StartedServer {
  readonly #spec: UpstreamSpec;
  readonly #log: Logger;
  #running: Promise<{ child: Child; url: URL }> | undefined;
  #closing = false;

  constructor(spec: UpstreamSpec, log: Logger) {
    this.#spec = spec;
    this.#log = log;
  }

  /**
   * Starts the process unless it runs, and waits until its port accepts connections.
   * @returns the address to talk to
   * @throws WireFault when it cannot be started, ends at once, or does not listen within `timeouts.open`
   */
  async address(): Promise<URL> {
    this.#running ??= this.#start();
    try {
      return (await this.#running).url;
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    const running = this.#running;
    this.#running = undefined;
    const started = await running?.catch(() => undefined);
    if (started) await stopChild(started.child, this.#spec.timeouts.stop);
  }

  async #start(): Promise<{ child: Child; url: URL }> {
    const { process: command, http, timeouts } = this.#spec;
    const port = await freePort();
    const fill = (text: string): string => fillPort(text, port);
    let child: Child;
    try {
      child = await startChild({
        ...command!,
        args: command!.args.map(fill),
        env: Object.fromEntries(Object.entries(command!.env).map(([k, v]) => [k, fill(v)])),
        stopTimeout: timeouts.stop,
      });
    } catch (error) {
      throw new WireFault((error as Error).message, { unsent: true });
    }
    const url = new URL(fill(http!.url));
    const log = this.#log.child({ pid: child.pid });
    log.debug({ url: url.href }, 'process started');
    const lastWords = logStderr(child.stderr, log);
    logStderr(child.stdout, log);
    let ended: string | undefined;
    child.once('exit', (code, signal) => {
      ended = exitText(code, signal);
      this.#running = undefined;
      if (!this.#closing) log.warn({ code, signal, stderr: lastWords() }, 'the process ended by itself');
    });
    const until = Date.now() + timeouts.open;
    while (!(await accepts(url))) {
      if (ended) throw new WireFault(ended, { unsent: true });
      if (this.#closing || Date.now() > until) {
        await stopChild(child, timeouts.stop);
        throw new WireFault(`it did not listen on ${url.host} within ${timeouts.open} ms (timeouts.open)`, {
          unsent: true,
        });
      }
      await new Promise((done) => setTimeout(done, POLL));
    }
    return { child, url };
  }
}

/** A loopback TCP port that nobody listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (typeof address !== 'object' || !address) throw new WireFault('no free port', { unsent: true });
  return address.port;
}

function accepts(url: URL): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(Number(url.port || (url.protocol === 'https:' ? 443 : 80)), url.hostname);
    const end = (up: boolean) => (): void => {
      socket.destroy();
      done(up);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}
