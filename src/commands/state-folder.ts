/** Where a gateway keeps what outlives it. */
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

/** The value of `storage.folder` that keeps nothing. */
const NONE = 'none';

export interface StateSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The config file; relative folders start beside it. */
  readonly config: string;
  /** The home folder. @throws Error when there is none */
  home(): string;
}

/**
 * @param setting `storage.folder`
 * @returns an absolute path; `undefined` when nothing is to be kept
 * @throws Error when nothing was set and there is no home folder
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html `$STATE_DIRECTORY`, a list
 * @see https://specifications.freedesktop.org/basedir-spec/latest/ `$XDG_STATE_HOME`, ignored where it is relative
 */
export function stateFolder(setting: string | undefined, { env, config, home }: StateSurroundings): string | undefined {
  if (setting === NONE) return undefined;
  if (setting !== undefined) return resolve(dirname(config), setting);
  const [given] = (env.STATE_DIRECTORY ?? '').split(delimiter);
  if (given) return resolve(given);
  const base = env.XDG_STATE_HOME ?? '';
  return join(isAbsolute(base) ? base : join(home(), '.local', 'state'), 'patchbay');
}
