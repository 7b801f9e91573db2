/** The config file of a running gateway: watched, and applied again when it has changed. */
import { diffConfig, formatChange } from '../config/diff.ts';
import { type LoadResult, loadConfig, type Overrides } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { splitChanges } from '../config/takes-effect.ts';
import { type ConfigWatch, watchConfig } from '../config/watch.ts';
import { changeLevel, type Logger } from '../telemetry/log.ts';

export interface ReloadOptions {
  /** The config files, the main one first. */
  readonly files: readonly string[];
  readonly overrides: Overrides;
  /** What the gateway was started with. */
  readonly loaded: LoadResult & { readonly ok: true };
  readonly log: Logger;
  apply(config: Config): void;
}

export class Reloader {
  readonly #options: ReloadOptions;
  readonly #watch: ConfigWatch;
  #current: Config;

  /**
   * Begins to watch the files, the folder `conf.d` and the files that secrets are taken from. Edits made since they were
   * loaded are not lost.
   */
  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#current = options.loaded.config;
    this.#watch = watchConfig(options.loaded.files, () => this.reload('the config changed'));
    setImmediate(() => this.#read('the config changed while Patchbay started'));
  }

  stop(): void {
    this.#watch.stop();
  }

  /**
   * Reads the files again. What is right in every part is applied; else nothing is, and the log says what is wrong.
   * @param reason why it is read
   */
  reload(reason: string): void {
    if (!this.#read(reason)) this.#options.log.info({ reason }, 'config read again, nothing is different');
  }

  /** @returns whether something is different */
  #read(reason: string): boolean {
    const { files, overrides, log } = this.#options;
    const loaded = loadConfig(files, { env: process.env, overrides });
    this.#watch.replace(loaded.files);
    if (!loaded.ok) {
      const problems = loaded.problems.map((problem) => formatProblem(problem, loaded.file));
      log.error({ reason, problems }, 'config not applied: it has problems, and the running one stays');
      return true;
    }
    const changes = diffConfig(this.#current, loaded.config);
    if (changes.length === 0) return false;
    const { live, later, held, next } = splitChanges(changes, this.#current, loaded.config);
    try {
      if (live.length > 0) this.#options.apply(next);
      changeLevel(log, next.log.level);
    } catch (error) {
      log.error({ reason, err: error }, 'config not applied: this is a bug; restart to be sure of what runs');
      return true;
    }
    this.#current = next;
    for (const warning of loaded.warnings) log.warn({ path: warning.path }, formatProblem(warning, loaded.file));
    if (live.length > 0) log.info({ reason, changes: live.map(formatChange) }, 'config applied');
    if (later.length > 0) log.warn({ changes: later.map(formatChange) }, 'these changes take effect at the next start');
    if (held.length > 0)
      log.warn(
        { changes: held.map(formatChange) },
        'these changes wait with them, so that no half of an edit decides who is let in',
      );
    return true;
  }
}
