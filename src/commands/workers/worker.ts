/** One of several processes that serve a port together; it does what the process that started it says. */
import cluster from 'node:cluster';
import { rmSync } from 'node:fs';
import { openPeerDoor } from '../../gateway/workers/peer-door.ts';
import { Peers } from '../../gateway/workers/peers.ts';
import { openDatabase } from '../../storage/database.ts';
import { Tallies, type Tally } from '../../storage/tallies.ts';
import { openVault } from '../../storage/vault.ts';
import { changeLevel, createLogger, type Logger } from '../../telemetry/log.ts';
import { NO_AUDIENCE } from '../../upstreams/catalog-store.ts';
import { openUsers } from '../first-user.ts';
import { PinnedFile } from '../pinned-file.ts';
import { problemOf } from '../problem.ts';
import { loadSignIn, type Serving, startServing } from '../serving.ts';
import type { Crew, FromWorker, Task, ToWorker } from './messages.ts';
import { shareOf } from './shares.ts';

/** Whether this process is a worker. */
export const isWorker = (): boolean => cluster.isWorker;

/** Serves until the process that started this one says that it is enough, or is gone. @returns the exit code */
export async function serveAsWorker(version: string): Promise<number> {
  // a terminal and a service manager signal all processes; it is for the first one to say what is done
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const orders = new Orders();
  tell({ type: 'hello' });
  const task = await orders.start;
  process.once('exit', () => {
    // Node ends a worker whose parent is gone, which then cannot tidy up itself
    if (!process.connected && !orders.over) rmSync(task.sockets, { recursive: true, force: true });
  });
  const { worker, of, file, folder } = task;
  const config = shareOf(task.config, worker, of);
  const log = createLogger(config.log, process.stderr.isTTY, { worker });
  const pinned = new PinnedFile(file, log);
  const opened = problemOf(() => {
    pinned.open(config.pins);
    return openUsers(config, file, folder, log);
  });
  if ('problem' in opened) {
    log.fatal(opened.problem);
    return leave(orders, 1);
  }
  const users = opened.value;
  const database = openDatabase(folder, log);
  const vault = openVault(database.path === undefined ? undefined : folder, config.storage.key, log);
  const tallies = new Tallies((counted) => tell({ type: 'tallies', tallies: counted }));
  orders.ontallies = (counted) => tallies.hear(counted);
  const peers = new Peers(worker, task.sockets, tallies);
  let complete = false;
  orders.oncrew = (crew) => {
    peers.living = crew.living;
    complete = crew.complete;
  };
  const kept = { database, vault, users, peers, SignIn: await loadSignIn(config) };
  const serving = await startServing({ config, version, log, pinned, kept, others: () => complete });
  if (serving) await serveUntilTold(serving, orders, task, peers, log);
  users?.stop();
  database.close();
  return leave(orders, serving ? 0 : 1);
}

async function serveUntilTold(
  serving: Serving,
  orders: Orders,
  { worker, of, sockets, config }: Task,
  peers: Peers,
  log: Logger,
): Promise<void> {
  const { app, gateway } = serving;
  const close = await openPeerDoor({ app, gateway, worker, folder: sockets });
  orders.onconfig = (next) => {
    try {
      serving.apply(shareOf(next, worker, of));
      changeLevel(log, next.log.level);
    } catch (error) {
      log.error({ err: error }, 'config not applied by this worker: this is a bug; restart to be sure of what runs');
    }
  };
  tell({ type: 'listening' });
  // lists are fetched before anybody asks for them
  void gateway.context.catalogs.settled(NO_AUDIENCE, config.lists.firstWait).then(() => tell({ type: 'listed' }));
  await orders.stop;
  await serving.stop();
  close();
  await peers.close();
}

/** What this process is told. */
class Orders {
  readonly start: Promise<Task>;
  readonly stop: Promise<void>;
  /** This process ends because it was told to, or by its own decision. */
  over = false;
  /** Told of what other workers have counted. */
  ontallies: (tallies: readonly Tally[]) => void = () => undefined;
  #crew: Crew | undefined;
  #oncrew: ((crew: Crew) => void) | undefined;
  #onconfig: ((config: Task['config']) => void) | undefined;
  #early: Task['config'] | undefined;

  constructor() {
    const started = Promise.withResolvers<Task>();
    const stopped = Promise.withResolvers<void>();
    this.start = started.promise;
    this.stop = stopped.promise;
    process.on('message', (message: ToWorker) => {
      if (message.type === 'start' || message.type === 'crew') this.#met(message.crew);
      if (message.type === 'start') started.resolve(message.task);
      else if (message.type === 'tallies') this.ontallies(message.tallies);
      else if (message.type === 'config') this.#configured(message.config);
      else if (message.type === 'stop') {
        this.over = true;
        stopped.resolve();
      }
    });
  }

  /** Told of the workers that there are, at once and whenever that changes. */
  set oncrew(listener: (crew: Crew) => void) {
    this.#oncrew = listener;
    if (this.#crew) listener(this.#crew);
  }

  /** What came before somebody listened is not lost. */
  set onconfig(listener: (config: Task['config']) => void) {
    this.#onconfig = listener;
    if (this.#early) listener(this.#early);
    this.#early = undefined;
  }

  #met(crew: Crew): void {
    this.#crew = crew;
    this.#oncrew?.(crew);
  }

  #configured(config: Task['config']): void {
    if (this.#onconfig) this.#onconfig(config);
    else this.#early = config;
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

/** Ends the conversation, without which nothing holds this process any more. */
function leave(orders: Orders, code: number): number {
  orders.over = true;
  cluster.worker?.disconnect();
  return code;
}
