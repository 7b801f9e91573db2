/** `patchbay serve`: settings → app → listen → drain, in one process or in several. */
import { homedir } from 'node:os';
import { MCP_PATH } from '../auth/profiles.ts';
import { type LoadResult, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import type { Kept } from '../gateway/kept.ts';
import { openDatabase } from '../storage/database.ts';
import { openVault } from '../storage/vault.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { NO_AUDIENCE } from '../upstreams/catalog-store.ts';
import { openUsers } from './first-user.ts';
import { greet } from './greeting.ts';
import { type Overriding, overridesOf } from './overrides.ts';
import { PinnedFile } from './pinned-file.ts';
import { problemOf } from './problem.ts';
import { Reloader } from './reload.ts';
import { loadSignIn, type Serving, startServing } from './serving.ts';
import { hasTerminal, stopSignal } from './signals.ts';
import { stateFolder } from './state-folder.ts';
import { supervise, workersOf } from './workers/supervise.ts';
import { isWorker, serveAsWorker } from './workers/worker.ts';

export interface ServeOptions extends Overriding {
  /** The main config file, then those that are merged into it. */
  readonly config: readonly string[];
  readonly version: string;
}

type Loaded = LoadResult & { readonly ok: true };

/** Serves until SIGTERM or SIGINT. @returns the exit code */
export async function serve(options: ServeOptions): Promise<number> {
  const { version } = options;
  if (isWorker()) return serveAsWorker(version);
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
  const opened = problemOf(() => {
    pinned.open(config.pins);
    return openUsers(config, loaded.file, folder, log);
  });
  if ('problem' in opened) {
    process.stderr.write(`${opened.problem}\n`);
    return 1;
  }
  const users = opened.value;
  if (workersOf(config) > 1) {
    users?.stop();
    return supervise({ loaded, files: options.config, overrides: overridesOf(options), version, folder, log });
  }
  const database = openDatabase(folder, log);
  // where nothing can be kept, that was told already
  const vault = openVault(database.path === undefined ? undefined : folder, config.storage.key, log);
  return run(loaded, options, log, pinned, { database, vault, users, SignIn: await loadSignIn(config) }).finally(() => {
    users?.stop();
    database.close();
  });
}

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
  kept: Kept,
): Promise<number> {
  const { config } = loaded;
  const { version } = options;
  const stop = stopSignal();
  const serving = await startServing({ config, version, log, pinned, kept });
  if (!serving) return 1;
  const url = `${serving.gateway.auth.addresses.base}${MCP_PATH}`;
  log.info({ url, config: loaded.configFiles.join(', '), version, node: process.version }, 'listening');
  welcome(url, serving, config, kept).catch((error) => log.error({ err: error }, 'the first user was not made'));

  const overrides = overridesOf(options);
  const reloader = new Reloader({ files: options.config, overrides, loaded, log, apply: serving.apply });
  const hangUp = () => reloader.reload('SIGHUP');
  if (!hasTerminal()) process.on('SIGHUP', hangUp);

  const signal = await stop;
  reloader.stop();
  log.info({ signal }, 'stopping');
  await serving.stop();
  log.info('stopped');
  return 0;
}

function welcome(url: string, { gateway }: Serving, config: Config, { users }: Kept): Promise<void> {
  const { profiles, catalogs } = gateway.context;
  const others = [...profiles.all()].filter(({ path }) => path !== MCP_PATH);
  return greet({
    url,
    others: others.map(({ path }) => `${gateway.auth.addresses.base}${path}`),
    config,
    users,
    lasting: true,
    // lists are fetched before anybody asks for them
    listed: catalogs.settled(NO_AUDIENCE, config.lists.firstWait),
    ending: () => gateway.draining(),
  });
}
