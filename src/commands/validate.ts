/** `patchbay validate`: one line per problem on stdout, or JSON; with `--connect` a look at every upstream as well. */
import { readUsers, UsersProblem } from '../auth/users-file.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem, type Problem } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { readPins } from '../gateway/pin-board.ts';
import { PinsProblem } from '../upstreams/pins.ts';
import { type Connected, connectAll } from './connect.ts';
import { overridesOf } from './overrides.ts';
import { pinsFileOf } from './pinned-file.ts';
import { CommandProblem, folderOf, usersFile } from './places.ts';
import { table } from './table.ts';

export interface ValidateOptions {
  /** The config files, the main one first. */
  readonly config: readonly string[];
  readonly json?: true;
  /** Warnings count as problems. */
  readonly strict?: true;
  readonly connect?: true;
}

/** Exit codes: all is well; the config has problems; it has none, but an upstream cannot be used. */
const VALID = 0;
const INVALID = 1;
const UNREACHED = 2;

/** @param version of this package @returns the exit code */
export async function validate({ config: files, ...options }: ValidateOptions, version: string): Promise<number> {
  const loaded = loadConfig(files, { env: process.env, overrides: overridesOf() });
  const { file } = loaded;
  const problems = loaded.ok
    ? [...problemsOfUsers(loaded.config, file), ...problemsOfPins(loaded.config, file)]
    : loaded.problems;
  const warnings = loaded.ok ? loaded.warnings : [];
  const valid = loaded.ok && problems.length === 0 && !(options.strict && warnings.length > 0);
  const connected = valid && options.connect ? await connectAll(loaded.config, version) : undefined;
  if (options.json) {
    const told = [
      ...problems.map((problem) => ({ ...shapeOf(problem, file), severity: 'error' })),
      ...warnings.map((warning) => ({ ...shapeOf(warning, file), severity: 'warning' })),
    ];
    const upstreams = connected === undefined ? {} : { upstreams: connected };
    const answer = { valid, files: loaded.configFiles, problems: told, ...upstreams };
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  } else {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem, file)}\n`);
    for (const warning of warnings) process.stdout.write(`${formatProblem(warning, file)} (warning)\n`);
    if (loaded.ok && valid)
      process.stdout.write(`${file}: valid, ${countOf(Object.values(loaded.config.upstreams))}\n`);
    if (connected !== undefined) process.stdout.write(`\n${report(connected)}`);
  }
  if (!valid) return INVALID;
  return connected?.some(({ ok }) => !ok) ? UNREACHED : VALID;
}

/** What is wrong with the file of users, where there is one and they sign in here. */
function problemsOfUsers(config: Config, file: string): readonly Problem[] {
  if (!config.auth.mode.includes('embedded')) return [];
  try {
    const users = usersFile(config, file, folderOf(config.storage.folder, file));
    if (users !== undefined) readUsers(users);
    return [];
  } catch (error) {
    if (error instanceof UsersProblem) return error.problems;
    // no home folder: somebody else runs the gateway
    if (error instanceof CommandProblem) return [];
    throw error;
  }
}

/** What is wrong with the file of pins, without which Patchbay does not start. */
function problemsOfPins({ pins }: Config, file: string): readonly Problem[] {
  if (pins.file === undefined) return [];
  try {
    readPins(pinsFileOf(pins, file));
    return [];
  } catch (error) {
    if (!(error instanceof PinsProblem)) throw error;
    const [message = '', mend = ''] = error.message.split(/; (.*)/s);
    return [{ path: 'pins.file', message, mend }];
  }
}

/** The stable shape of a problem; what does not apply is null. */
const shapeOf = ({ file, line, column, path, value, message, mend }: Problem, main: string) => ({
  file: file ?? main,
  line: line ?? null,
  column: column ?? null,
  path,
  message: value === undefined ? message : `${value} ${message}`,
  mend,
});

function countOf(upstreams: readonly { readonly enabled: boolean }[]): string {
  const disabled = upstreams.filter(({ enabled }) => !enabled).length;
  const count = `${upstreams.length} upstream${upstreams.length === 1 ? '' : 's'}`;
  return `${count}${disabled > 0 ? `, ${disabled} of them disabled` : ''}`;
}

function report(connected: readonly Connected[]): string {
  const rows = connected.map((one): string[] => {
    if (!one.ok) return [one.upstream, 'failed', one.error];
    const { tools, prompts, resources, resourceTemplates } = one.items;
    const counts = Object.entries({ tools, prompts, resources, templates: resourceTemplates });
    const items = counts.flatMap(([kind, n]) => (n > 0 ? [`${n} ${kind}`] : [])).join(', ') || 'nothing listed';
    return [
      one.upstream,
      `${one.era} ${one.protocol}`,
      `${one.server} ${one.version}: ${items}; open after ${one.opened} ms, listed after ${one.listed} ms`,
    ];
  });
  return table(['UPSTREAM', 'ERA', 'WHAT'], rows);
}
