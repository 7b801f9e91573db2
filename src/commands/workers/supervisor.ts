/** Keeps as many worker processes running as there are to be, and speaks with them. */
import cluster, { type Worker } from 'node:cluster';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../telemetry/log.ts';
import { keepFromLoss } from './handed.ts';
import type { Crew, FromWorker, Task, ToWorker } from './messages.ts';

/** The first and the longest wait before a worker that has ended is started again, milliseconds. */
const FIRST_RETRY = 100;
const LONGEST_RETRY = 30_000;
/** One that ran for this long is started again at once, milliseconds. */
const STABLE = 10_000;

/** The place of one worker; processes come and go in it. */
interface Place {
  readonly worker: number;
  process: Worker | undefined;
  since: number;
  listening: boolean;
  /** Processes in a row that did not run for long. */
  failures: number;
  retry: NodeJS.Timeout | undefined;
}

export interface SupervisorOptions {
  readonly task: Omit<Task, 'worker'>;
  readonly log: Logger;
  /** All of them take requests, for the first time. */
  ready(): void;
  /** One has ended before that. */
  failed(): void;
  /** What upstreams list is known to the first worker, or will not be soon. */
  listed(): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: readonly Place[];
  #config: Config;
  #complete = false;
  #stopping = false;
  #ended: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#config = options.task.config;
    this.#places = Array.from({ length: options.task.of }, (_, i) => ({
      ...{ worker: i + 1, process: undefined, since: 0, listening: false, failures: 0, retry: undefined },
    }));
  }

  /** Starts all of them. */
  begin(): void {
    // configurations hold what JSON does not
    cluster.setupPrimary({ serialization: 'advanced' });
    for (const place of this.#places) this.#start(place);
  }

  /** Hands another configuration to all workers, those too that are started later. */
  apply(config: Config): void {
    this.#config = config;
    this.#tell({ type: 'config', config });
  }

  /**
   * Lets all of them finish what they do, and resolves when none is left.
   * @param patience how long that may take, milliseconds; then they are killed
   */
  async stop(patience: number): Promise<void> {
    this.#stopping = true;
    for (const { retry } of this.#places) clearTimeout(retry);
    this.#tell({ type: 'stop' });
    const late = setTimeout(() => {
      const left = this.#places.filter(({ process }) => process);
      this.#options.log.error({ workers: left.map(({ worker }) => worker) }, 'workers that do not end are killed');
      for (const { process } of left) process?.process.kill('SIGKILL');
    }, patience);
    await new Promise<void>((done) => {
      this.#ended = done;
      this.#checkEnd();
    });
    clearTimeout(late);
  }

  #start(place: Place): void {
    // for whoever looks at a list of processes
    const process = cluster.fork({ PATCHBAY_WORKER: String(place.worker) });
    place.process = process;
    place.since = Date.now();
    keepFromLoss(process, () => !this.#stopping && this.#places.some((other) => other !== place && serves(other)));
    process.on('message', (message: FromWorker) => this.#heard(place, process, message));
    process.once('error', (error) => this.#options.log.error({ err: error, worker: place.worker }, 'worker'));
    process.once('exit', (code, signal) => this.#over(place, code, signal));
  }

  #heard(place: Place, process: Worker, message: FromWorker): void {
    const { task, listed, ready } = this.#options;
    const { type } = message;
    if (message.type === 'tallies') this.#tell(message, place);
    else if (type === 'hello') {
      const own = { ...task, config: this.#config, worker: place.worker };
      process.send({ type: 'start', task: own, crew: this.#crew } satisfies ToWorker);
      if (this.#stopping) process.send({ type: 'stop' } satisfies ToWorker);
    } else if (type === 'listed') {
      if (place.worker === 1) listed();
    } else {
      place.listening = true;
      const isFirst = !this.#complete && this.#places.every(({ listening }) => listening);
      this.#complete ||= isFirst;
      this.#tell({ type: 'crew', crew: this.#crew });
      if (isFirst) ready();
      else if (this.#complete) this.#options.log.info({ worker: place.worker }, 'worker is back');
    }
  }

  #over(place: Place, code: number | null, signal: string | null): void {
    const { log, failed } = this.#options;
    const { worker } = place;
    place.process = undefined;
    place.listening = false;
    if (this.#stopping) return this.#checkEnd();
    this.#tell({ type: 'crew', crew: this.#crew });
    if (!this.#complete) {
      log.fatal({ worker, code, signal }, 'worker ended while starting');
      return failed();
    }
    place.failures = Date.now() - place.since < STABLE ? place.failures + 1 : 0;
    const retryInMs = place.failures === 0 ? 0 : Math.min(FIRST_RETRY * 2 ** (place.failures - 1), LONGEST_RETRY);
    log.error({ worker, code, signal, retryInMs }, 'worker ended: its sessions are over, and it is started again');
    place.retry = setTimeout(() => this.#start(place), retryInMs);
  }

  get #crew(): Crew {
    const living = this.#places.filter(({ listening }) => listening);
    return { living: new Map(living.map(({ worker, since }) => [worker, since])), complete: this.#complete };
  }

  /** @param but who is not told */
  #tell(message: ToWorker, but?: Place): void {
    for (const place of this.#places) if (place !== but && place.process?.isConnected()) place.process.send(message);
  }

  #checkEnd(): void {
    if (this.#places.every(({ process }) => process === undefined)) this.#ended?.();
  }
}

const serves = ({ listening, process }: Place): boolean => listening && process?.isConnected() === true;
