/** One process that serves: assembled, listening, and drained in the end. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/schema.ts';
import { createApp } from '../gateway/app.ts';
import { assemble } from '../gateway/assemble.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Kept } from '../gateway/kept.ts';
import type { Logger } from '../telemetry/log.ts';
import { listenError, urlHost } from './listening.ts';
import type { PinnedFile } from './pinned-file.ts';

const POLL = 25;

export interface Serving {
  readonly gateway: Gateway;
  readonly app: FastifyInstance;
  /** Takes over another configuration, as far as that is possible without a restart. */
  apply(config: Config): void;
  /** Takes no new work, lets calls in progress finish for `server.drainTimeout`, and ends everything. */
  stop(): Promise<void>;
}

export interface ServingOptions {
  readonly config: Config;
  readonly version: string;
  readonly log: Logger;
  readonly pinned: PinnedFile;
  readonly kept: Kept;
  /** Whether what is beside this process is ready, too. */
  others?(): boolean;
}

/** The sign-in takes a third of a second to load, which those without it do not wait for. */
export const loadSignIn = async ({ auth }: Config): Promise<Kept['SignIn']> =>
  auth.mode.includes('embedded')
    ? (await import('../auth/server/authorization-server.ts')).AuthorizationServer
    : undefined;

/** @returns `undefined` when it cannot listen, which the log has told then */
export async function startServing(options: ServingOptions): Promise<Serving | undefined> {
  const { config, version, log, pinned, kept, others = () => true } = options;
  const { host, port, drainTimeout } = config.server;
  let ready = false;
  const assembly = assemble(config, version, log, { ...kept, pins: pinned.board });
  const { gateway } = assembly;
  const app = createApp(gateway, config.server, () =>
    gateway.draining() ? 'draining' : ready && others() ? 'ready' : 'starting',
  );
  try {
    await app.listen({ host, port });
  } catch (error) {
    log.fatal({ host, port }, listenError(error as NodeJS.ErrnoException));
    await assembly.close();
    return undefined;
  }
  ready = true;
  gateway.auth.warm();
  gateway.auth.addresses.listening(`http://${urlHost(host)}:${(app.server.address() as AddressInfo).port}`);
  pinned.watch(() => assembly.pinned());
  return {
    gateway,
    app,
    apply: (next) => {
      pinned.configure(next.pins);
      assembly.reconfigure(next);
    },
    stop: async () => {
      pinned.stop();
      assembly.drain();
      const until = Date.now() + drainTimeout;
      while (assembly.inFlight() > 0 && Date.now() < until) await new Promise((done) => setTimeout(done, POLL));
      if (assembly.inFlight() > 0) log.warn({ calls: assembly.inFlight() }, 'calls cut off by server.drainTimeout');
      await assembly.close();
      await app.close();
    },
  };
}
