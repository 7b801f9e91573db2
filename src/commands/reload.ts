/** The config file of a running gateway: watched, and applied again when it has changed. */
import { type Change, diffConfig, formatChange } from '../config/diff.ts';
import { type LoadResult, loadConfig, type Overrides } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { type ConfigWatch, watchConfig } from '../config/watch.ts';
import { LIVE_SECTIONS } from '../gateway/reconfigure.ts';
import { isAtOnce } from '../gateway/reconfigure-auth.ts';
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

  /** Begins to watch the files, the folder `conf.d` and the files that secrets are taken from. */
  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#current = options.loaded.config;
    this.#watch = watchConfig(options.loaded.files, () => this.reload('the config changed'));
  }

  stop(): void {
    this.#watch.stop();
  }

  /**
   * Reads the files again. What is right in every part is applied; else nothing is, and the log says what is wrong.
   * @param reason why it is read
   */
  reload(reason: string): void {
    const { files, overrides, log } = this.#options;
    const loaded = loadConfig(files, { env: process.env, overrides });
    this.#watch.replace(loaded.files);
    if (!loaded.ok) {
      const problems = loaded.problems.map((problem) => formatProblem(problem, loaded.file));
      log.error({ reason, problems }, 'config not applied: it has problems, and the running one stays');
      return;
    }
    const changes = diffConfig(this.#current, loaded.config);
    if (changes.length === 0) return log.info({ reason }, 'config read again, nothing is different');
    const authLive = isAtOnce(this.#current.auth, loaded.config.auth);
    const isLive = (change: Change) => (isOf(change, 'auth') ? authLive : isOfLiveSection(change));
    const [live, later] = [changes.filter(isLive), changes.filter((change) => !isLive(change))];
    const next = { ...loaded.config, ...sectionsOf(this.#current, later) };
    try {
      if (live.length > 0) this.#options.apply(next);
      changeLevel(log, loaded.config.log.level);
    } catch (error) {
      log.error({ reason, err: error }, 'config not applied: this is a bug; restart to be sure of what runs');
      return;
    }
    this.#current = next;
    for (const warning of loaded.warnings) log.warn({ path: warning.path }, formatProblem(warning, loaded.file));
    if (live.length > 0) log.info({ reason, changes: live.map(formatChange) }, 'config applied');
    if (later.length > 0) log.warn({ changes: later.map(formatChange) }, 'these changes take effect at the next start');
  }
}

/** Whether a change takes effect while the gateway runs. How the log is written is decided when it is opened. */
const isOfLiveSection = ({ path }: Change): boolean =>
  LIVE_SECTIONS.has(path.split('.', 1)[0]!) && path !== 'log.format';

const isOf = ({ path }: Change, section: string): boolean => path.split('.', 1)[0] === section;

/** The sections that stay as they are until the next start, so that they are told of again when they change back. */
const sectionsOf = (config: Config, changes: readonly Change[]): Partial<Config> =>
  Object.fromEntries(
    Object.entries(config).filter(([section]) => changes.some(({ path }) => path.split('.', 1)[0] === section)),
  );
