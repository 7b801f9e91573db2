/**
 * The settings of a config file that say where files are, for commands that need no others: a command line has not always
 * the environment that a service has, and a placeholder elsewhere in the file must not keep it from its work.
 */
import { dirname, resolve } from 'node:path';
import type { Finding } from './finding.ts';
import { interpolate, type Surroundings, surroundingsOf } from './interpolate.ts';
import { dotted, formatProblem, toProblems, valueAt } from './problems.ts';
import { readSources } from './sources.ts';
import * as is from './text.ts';

export type Places =
  | {
      readonly ok: true;
      /** `auth.embedded.users` as an absolute path. */
      readonly users: string | undefined;
      /** `storage.folder` as it was written. */
      readonly folder: string | undefined;
      /** `storage.key`. */
      readonly key: string | undefined;
      /** Ways to sign in, as they were written. */
      readonly modes: readonly unknown[];
    }
  /** One line each. */
  | { readonly ok: false; readonly problems: readonly string[] };

const USERS = ['auth', 'embedded', 'users'];
const FOLDER = ['storage', 'folder'];
const KEY = ['storage', 'key'];

/**
 * Reads them. A file that cannot be read at all has the problems that `patchbay validate` tells of it.
 * @param given the main file and those that are merged into it
 */
export function readPlaces(given: string | readonly string[], env: Surroundings['env']): Places {
  const { file, value: raw, ...sources } = readSources([given].flat());
  const findings: Finding[] = [...sources.findings];
  const values = new Map<string, string>();
  const origins = new Map();
  for (const path of findings.length === 0 ? [USERS, FOLDER, KEY] : []) {
    const written = valueAt(raw, path);
    if (written === undefined || written === null) continue;
    const filled = interpolate(nested(path, written), surroundingsOf(raw, env, dirname(file)));
    for (const [key, origin] of filled.origins) origins.set(key, origin);
    const value = valueAt(filled.value, path);
    const rule = path === KEY ? is.storageKey : is.folder;
    const wrong =
      typeof value === 'string'
        ? rule(value)
        : { message: 'is not text', mend: path === KEY ? 'write text' : 'write a path' };
    findings.push(...filled.findings);
    if (filled.findings.length === 0 && wrong) findings.push({ ...wrong, path });
    if (typeof value === 'string') values.set(dotted(path), value);
  }
  if (findings.length > 0) {
    const problems = toProblems(findings, { raw, origins, locate: sources.locate });
    return { ok: false, problems: problems.map((problem) => formatProblem(problem, file)) };
  }
  const users = values.get(dotted(USERS));
  return {
    ok: true,
    users: users === undefined ? undefined : resolve(dirname(file), users),
    folder: values.get(dotted(FOLDER)),
    key: values.get(dotted(KEY)),
    modes: [valueAt(raw, ['auth', 'mode'])].flat(),
  };
}

const nested = (path: readonly string[], value: unknown): unknown =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
