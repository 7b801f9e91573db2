/** `patchbay serve`: settings → app → listen → drain. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { MCP_PATH } from '../auth/profiles.ts';
import type { Users } from '../auth/users.ts';
import { UsersProblem } from '../auth/users-file.ts';
import { type LoadResult, loadConfig, type Overrides } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { createApp } from '../gateway/app.ts';
import { assemble } from '../gateway/assemble.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Kept } from '../gateway/kept.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import { openVault } from '../storage/vault.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { NO_AUDIENCE } from '../upstreams/catalog-store.ts';
import { PinsProblem } from '../upstreams/pins.ts';
import { banner } from './banner.ts';
import { firstUser, framed, openUsers } from './first-user.ts';
import { PinnedFile } from './pinned-file.ts';
import { Reloader } from './reload.ts';
import { stateFolder } from './state-folder.ts';

export interface ServeOptions {
  /** The main config file, then those that are merged into it. */
  readonly config: readonly string[];
  readonly port?: number;
  readonly host?: string;
  readonly publicUrl?: string;
  readonly insecure?: boolean;
  readonly version: string;
}

const POLL = 25;

type Loaded = LoadResult & { readonly ok: true };

/** Whether SIGHUP says that the terminal is gone; a service without one is told by it to read its config again. */
const hasTerminal = (): boolean => process.stdin.isTTY === true || process.stderr.isTTY === true;

/** Serves until SIGTERM or SIGINT. @returns the exit code */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = loadConfig(options.config, { env: process.env, overrides: overridesOf(options) });
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem, loaded.file)}\n`);
    return 1;
  }
  const { config } = loaded;
  const log = createLogger(config.log);
  for (const warning of loaded.warnings) log.warn({ path: warning.path }, formatProblem(warning, loaded.file));
  const folder = folderOf(config, loaded.file, log);
  const pinned = new PinnedFile(loaded.file, log);
  let users: Users | undefined;
  try {
    pinned.open(config.pins);
    users = openUsers(config, loaded.file, folder, log);
  } catch (error) {
    if (!(error instanceof UsersProblem) && !(error instanceof PinsProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const database = openDatabase(folder, log);
  // where nothing can be kept, that was told already
  const vault = openVault(database.path === undefined ? undefined : folder, config.storage.key, log);
  const SignIn = config.auth.mode.includes('embedded') ? await loadSignIn() : undefined;
  return run(loaded, options, log, pinned, { database, vault, users, SignIn }).finally(() => {
    users?.stop();
    database.close();
  });
}

/** The sign-in takes a third of a second to load, which those without it do not wait for. */
const loadSignIn = async () => (await import('../auth/server/authorization-server.ts')).AuthorizationServer;

/** Where this gateway keeps what outlives it; the log says so when there is nowhere. */
function folderOf(config: Config, file: string, log: Logger): string | undefined {
  try {
    return stateFolder(config.storage.folder, { env: process.env, config: file, home: homedir });
  } catch {
    log.warn('nothing is kept between runs: this user has no home folder; set storage.folder to a folder, or to none');
    return undefined;
  }
}

async function run(
  loaded: Loaded,
  options: ServeOptions,
  log: Logger,
  pinned: PinnedFile,
  kept: Kept & { readonly database: Database },
): Promise<number> {
  const { config } = loaded;
  const stop = stopSignal();
  let ready = false;
  const assembly = assemble(config, options.version, log, { ...kept, pins: pinned.board });
  const { gateway } = assembly;
  const app = createApp(gateway, { ...config.server, limits: config.auth.limits }, () =>
    gateway.draining() ? 'draining' : ready ? 'ready' : 'starting',
  );
  try {
    await app.listen({ host: config.server.host, port: config.server.port });
  } catch (error) {
    log.fatal({ host: config.server.host, port: config.server.port }, listenError(error as NodeJS.ErrnoException));
    await assembly.close();
    return 1;
  }
  ready = true;
  gateway.auth.warm();
  const { port } = app.server.address() as AddressInfo;
  const { addresses } = gateway.auth;
  addresses.listening(`http://${urlHost(config.server.host)}:${port}`);
  const url = `${addresses.base}/mcp`;
  log.info(
    { url, config: loaded.configFiles.join(', '), version: options.version, node: process.version },
    'listening',
  );
  greet(url, gateway, config, kept.users).catch((error) => log.error({ err: error }, 'the first user was not made'));

  const reloader = new Reloader({
    files: options.config,
    overrides: overridesOf(options),
    loaded,
    log,
    apply: (next) => {
      pinned.configure(next.pins);
      assembly.reconfigure(next);
    },
  });
  pinned.watch(() => assembly.pinned());
  const hangUp = () => reloader.reload('SIGHUP');
  if (!hasTerminal()) process.on('SIGHUP', hangUp);

  const signal = await stop;
  reloader.stop();
  pinned.stop();
  log.info({ signal }, 'stopping');
  assembly.drain();
  const until = Date.now() + config.server.drainTimeout;
  while (assembly.inFlight() > 0 && Date.now() < until) await new Promise((done) => setTimeout(done, POLL));
  if (assembly.inFlight() > 0) log.warn({ calls: assembly.inFlight() }, 'calls cut off by server.drainTimeout');
  await assembly.close();
  await app.close();
  log.info('stopped');
  return 0;
}

/** Tells who started it what to do next. A password is shown to them alone, and as soon as it is good. */
async function greet(url: string, gateway: Gateway, config: Config, users: Users | undefined): Promise<void> {
  // lists are fetched before anybody asks for them
  const listed = gateway.context.catalogs.settled(NO_AUDIENCE, config.lists.firstWait);
  if (!process.stderr.isTTY) {
    const first = await firstUser(users, config);
    if (first) process.stderr.write(framed(first));
    return;
  }
  // after what upstreams print when they start, so that it is the last thing on the screen
  await listed;
  if (gateway.draining()) return;
  const first = await firstUser(users, config);
  const { profiles, upstreams } = gateway.context;
  const others = [...profiles.all()].filter(({ path }) => path !== MCP_PATH);
  const urls = others.map(({ path }) => `${gateway.auth.addresses.base}${path}`);
  process.stderr.write(banner(url, [...upstreams.keys()], first, urls));
}

/** Options win over the environment, which wins over the file. */
function overridesOf({ host, port, publicUrl, insecure }: ServeOptions): Overrides {
  const from = {
    host: host ?? process.env.PATCHBAY_HOST,
    port: port ?? numberOf(process.env.PORT),
    // an empty one is none, as variables are that a compose file passes on
    publicUrl: publicUrl ?? (process.env.PATCHBAY_PUBLIC_URL || undefined),
    insecure,
  };
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined));
}

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;

/** Resolves with the first SIGTERM, SIGINT or SIGHUP; the second ends the process at once. */
async function stopSignal(): Promise<string> {
  const controller = new AbortController();
  const named = (name: NodeJS.Signals): Promise<string> =>
    once(process, name, { signal: controller.signal }).then(() => name);
  const waiting = [named('SIGTERM'), named('SIGINT'), orphaned(controller.signal)];
  if (hasTerminal()) waiting.push(named('SIGHUP'));
  for (const one of waiting) one.catch(() => undefined);
  const signal = await Promise.race(waiting);
  controller.abort();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => process.exit(130));
  return signal;
}

/** npm does not pass a signal on to what it started: there, the end of its shell stands for one. */
function orphaned(over: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid !== parent) resolve('the end of npm');
    }, 250).unref();
    over.addEventListener('abort', () => clearInterval(timer), { once: true });
  });
}

function listenError({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'this port is in use already; choose another with --port or server.port';
  if (code === 'EACCES') return 'no permission to listen on this port; choose one above 1023';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address; check --host or server.host';
  return `cannot listen: ${message}`;
}

/** The host part of a URL that reaches a listen address from this machine. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
