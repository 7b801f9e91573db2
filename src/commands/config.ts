/** `patchbay config`: what holds in the end, and where each setting is from. */
import { effectiveConfig } from '../config/effective.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';

export interface ConfigOptions {
  readonly config: readonly string[];
  /** Leave out settings that are in no file. */
  readonly written?: true;
}

/** Prints it on stdout, or the problems on stderr. @returns the exit code */
export function configCommand({ config: files, written }: ConfigOptions): number {
  const loaded = loadConfig(files, { env: process.env });
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem, loaded.file)}\n`);
    return 1;
  }
  process.stdout.write(effectiveConfig(loaded.source, { file: loaded.file, defaults: written !== true }));
  return 0;
}
