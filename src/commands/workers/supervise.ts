/** Several processes on one port: this one keeps them running, watches the config, and tells them when to end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Addresses } from '../../auth/addresses.ts';
import { DEFAULT_PROFILE, MCP_PATH } from '../../auth/profiles.ts';
import type { LoadResult, Overrides } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { openDatabase } from '../../storage/database.ts';
import type { Logger } from '../../telemetry/log.ts';
import { openUsers } from '../first-user.ts';
import { greet } from '../greeting.ts';
import { listenError, urlHost } from '../listening.ts';
import { Reloader } from '../reload.ts';
import { hasTerminal, stopSignal } from '../signals.ts';
import { Supervisor } from './supervisor.ts';

/** How much longer than `server.drainTimeout` workers may take to end, milliseconds: processes of upstreams take their time. */
const FAREWELL = 30_000;
/** Longest path of a folder with sockets in it; systems take little more than a hundred bytes in all. */
const LONGEST_FOLDER = 80;

/** How many processes a setting asks for on this machine. */
export function workersOf({ server: { workers } }: Config): number {
  // there are no sockets with a folder around them there
  if (process.platform === 'win32') return 1;
  return workers === 'auto' ? availableParallelism() : workers;
}

export interface SuperviseOptions {
  readonly loaded: LoadResult & { readonly ok: true };
  readonly files: readonly string[];
  readonly overrides: Overrides;
  readonly version: string;
  /** The state folder; `undefined` when nothing is kept. */
  readonly folder: string | undefined;
  readonly log: Logger;
}

/** Serves with several workers until SIGTERM or SIGINT. @returns the exit code */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const { loaded, version, log } = options;
  const { config, file } = loaded;
  const stop = stopSignal();
  const workers = workersOf(config);
  const { host } = config.server;
  const port = await freePort(host, config.server.port).catch((error: NodeJS.ErrnoException) => {
    log.fatal({ host, port: config.server.port }, listenError(error));
  });
  if (port === undefined) return 1;
  // begun here, so that no two workers begin it
  const database = openDatabase(options.folder, log);
  const lasting = database.path !== undefined;
  database.close();
  const sockets = socketFolder(lasting ? options.folder : undefined);
  // what workers share is in files, if only for as long as they run
  const folder = lasting ? options.folder! : sockets;
  const users = openUsers(config, file, folder, log);
  const [ready, failed, listed] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [Wait, Wait, Wait];
  const settled: Config = { ...config, server: { ...config.server, port } };
  const supervisor = new Supervisor({
    task: { config: settled, file, folder, sockets, of: workers },
    log,
    ready: ready.resolve,
    failed: failed.resolve,
    listed: listed.resolve,
  });
  let ending = false;
  const end = async (code: number): Promise<number> => {
    ending = true;
    await supervisor.stop(config.server.drainTimeout + FAREWELL);
    users?.stop();
    rmSync(sockets, { recursive: true, force: true });
    return code;
  };
  supervisor.begin();
  const first = await Promise.race([ready.promise, failed.promise.then(() => 'failed'), stop]);
  if (first === 'failed') return end(1);
  const addresses = new Addresses(config.server.publicUrl);
  addresses.listening(`http://${urlHost(host)}:${port}`);
  const url = `${addresses.base}${MCP_PATH}`;
  if (first === undefined)
    log.info({ url, config: loaded.configFiles.join(', '), version, node: process.version, workers }, 'listening');
  const others = Object.keys(config.profiles)
    .filter((name) => name !== DEFAULT_PROFILE)
    .map((name) => `${url}/${name}`);
  greet({ url, others, config, users, lasting, listed: listed.promise, ending: () => ending }).catch((error) =>
    log.error({ err: error }, 'the first user was not made'),
  );
  const reloader = new Reloader({
    ...{ files: options.files, overrides: options.overrides, loaded, log },
    // which port was taken stays so
    apply: (next) => supervisor.apply({ ...next, server: { ...next.server, port } }),
  });
  if (!hasTerminal()) process.on('SIGHUP', () => reloader.reload('SIGHUP'));
  const signal = await stop;
  reloader.stop();
  log.info({ signal }, 'stopping');
  const code = await end(0);
  log.info('stopped');
  return code;
}

type Wait = ReturnType<typeof Promise.withResolvers<void>>;

/** The port that workers are to take: the one that is asked for, if it is free. @throws Error of the system when it is not */
async function freePort(host: string, port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen({ host, port }, done);
  });
  const { port: found } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return found;
}

/** A new folder that this user alone may enter: in the state folder, or where temporary files are if that has a long path. */
function socketFolder(state: string | undefined): string {
  for (const parent of state !== undefined && state.length < LONGEST_FOLDER ? [state, tmpdir()] : [tmpdir()]) {
    try {
      return mkdtempSync(join(parent, 'workers-'));
    } catch {
      // another place may do
    }
  }
  throw new Error(`no folder can be made in ${tmpdir()}, which workers need; set TMPDIR, or server.workers to 1`);
}
