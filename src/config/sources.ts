/** The files of a config: the main one, those in its folder `conf.d`, and more that the command line names. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Finding } from './finding.ts';
import { merge, type Part } from './merge.ts';
import { type Place, readYaml, type TextFinding } from './yaml.ts';

/** The folder beside the main config file whose files are read as well. */
export const CONF_D = 'conf.d';

const CONFIG_FILE = /^[^.].*\.(ya?ml|json)$/i;

/** What the files of a config say together, before placeholders and the schema. */
export interface Sources {
  /** The main file, as it was named. Relative paths of all files start in its folder. */
  readonly file: string;
  /** All of them in order, the last one wins. */
  readonly files: readonly string[];
  /** What to watch, as absolute paths: the files, and `conf.d` whether it is there or not. */
  readonly watched: readonly string[];
  /** The settings of all files; undefined where there are findings. */
  readonly value: Record<string, unknown> | undefined;
  readonly findings: readonly TextFinding[];
  /** Where the entry at this path of `value` is written; without `file` where that is the main one. */
  locate(path: readonly PropertyKey[]): Place | undefined;
}

/** Whether a file of this name in `conf.d` is part of the config. */
export const isConfigFile = (name: string): boolean => CONFIG_FILE.test(name);

/**
 * Reads and merges the files of a config: the first one named, its `conf.d` in the order of the names, the others named.
 * Never throws: a file that cannot be read is a finding.
 * @param given at least one path; only the first one has a `conf.d`
 */
export function readSources(given: readonly string[]): Sources {
  const [main = '', ...others] = given;
  const folder = join(dirname(main), CONF_D);
  const { names, failure } = namesIn(folder);
  const files = [main, ...names.map((name) => join(folder, name)), ...others];
  const read = files.map((file) => readPart(file, file === main));
  if (failure) read.push(failed([unread(failure, false)], folder, false));
  return sourcesOf(files, [...new Set([...files, folder].map((file) => resolve(file)))], read);
}

/** The same for a text that is the whole config. @param file names it, and its folder is where relative paths start */
export function sourcesOfText(text: string, file: string): Sources {
  return sourcesOf([file], [resolve(file)], [partOf(text, file, true)]);
}

function sourcesOf(files: readonly string[], watched: readonly string[], read: readonly Part[]): Sources {
  const [file = ''] = files;
  const unread = read.flatMap(({ findings }) => findings);
  if (unread.length > 0) return { file, files, watched, value: undefined, findings: unread, locate: () => undefined };
  const { value, findings, locate } = merge(read);
  return { file, files, watched, value: findings.length > 0 ? undefined : value, findings, locate };
}

/**
 * Names in byte order, so that the same files have the same order everywhere.
 * @returns none where there is no such folder, and the failure where there is one: what is in it may be what keeps people out
 */
function namesIn(folder: string): { readonly names: readonly string[]; readonly failure?: NodeJS.ErrnoException } {
  try {
    return { names: readdirSync(folder).filter(isConfigFile).sort() };
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    return failure.code === 'ENOENT' ? { names: [] } : { names: [], failure };
  }
}

function readPart(file: string, main: boolean): Part {
  try {
    return partOf(readFileSync(file, 'utf8'), file, main);
  } catch (error) {
    return failed([unread(error as NodeJS.ErrnoException, main)], file, main);
  }
}

function partOf(text: string, file: string, main: boolean): Part {
  const { value, findings, locate } = readYaml(text);
  if (findings.length > 0) return failed(findings, file, main);
  if (value === null && main) return failed([whole('the file is empty', START)], file, main);
  // one without a word is one that is being written
  if (value === null && text.trim() === '') {
    return failed([whole('the file is empty', 'write settings into it, or delete it')], file, main);
  }
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    return failed([whole('the file is not a mapping', 'write lines of the form `key: value`')], file, main);
  }
  return {
    file,
    value: (value ?? {}) as Record<string, unknown>,
    findings: [],
    locate: (path) => named(locate(path), file, main),
  };
}

function failed(findings: readonly TextFinding[], file: string, main: boolean): Part {
  const told = findings.map((finding): TextFinding => {
    const place = named(finding.place, file, main);
    return { ...finding, ...(main ? {} : { file }), ...(place !== undefined && { place }) };
  });
  return { file, value: {}, findings: told, locate: () => undefined };
}

/** Names the file of a place, unless it is the main one. */
const named = (place: Place | undefined, file: string, main: boolean): Place | undefined =>
  place && (main ? place : { ...place, file });

const whole = (message: string, mend: string): Finding => ({ message, mend, subject: 'none' });

const START =
  'copy config/examples/minimal.yaml (a `mcpServers` block of a Claude, Cursor or VS Code file will do as well)';

function unread({ code }: NodeJS.ErrnoException, main: boolean): Finding {
  if (code === 'ENOENT') {
    const mend = main ? `${START}, or name another file with --config` : 'name another file with --config';
    return whole('the file does not exist', mend);
  }
  if (code === 'EISDIR') return whole('this is a folder', 'name the file in it with --config');
  return whole(`the file cannot be read (${code})`, 'let the user that runs Patchbay read it');
}
