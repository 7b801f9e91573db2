/** Starts the processes of one upstream. */
import type { Logger } from '../telemetry/log.ts';
import { type Child, startChild } from './child.ts';
import { Redactor, secretsOf } from './redact.ts';
import type { ProcessSpec, UpstreamSpec } from './spec.ts';
import { logStderr } from './stderr.ts';
import { WireFault } from './wire.ts';

/** A process whose stderr goes to the log. */
export interface Running {
  readonly child: Child;
  /** Names the process. */
  readonly log: Logger;
  readonly redactor: Redactor;
  /** The last lines on stderr, as they may be logged. */
  lastWords(): readonly string[];
}

export class Launcher {
  /** Replaced when its limits change. */
  spec: UpstreamSpec;
  /** Masks what the upstream was given. */
  readonly redactor: Redactor;
  readonly #log: Logger;

  constructor(spec: UpstreamSpec, log: Logger) {
    this.spec = spec;
    this.#log = log;
    this.redactor = new Redactor(secretsOf(spec));
  }

  /**
   * @param filled the configured process with its port filled in, where it has one
   * @throws WireFault when it cannot be started; nothing has been sent then
   */
  async start(filled: ProcessSpec = this.spec.process!): Promise<Running> {
    let child: Child;
    try {
      child = await startChild({ ...filled, stopTimeout: this.spec.timeouts.stop }, this.#log);
    } catch (error) {
      throw new WireFault((error as Error).message, { unsent: true });
    }
    const log = this.#log.child({ pid: child.pid });
    log.debug('process started');
    return { child, log, redactor: this.redactor, lastWords: logStderr(child.stderr, log, this.redactor) };
  }
}
