/** `patchbay validate`: one line per problem on stdout, exit code 1 when there is any. */
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';

/** @returns the exit code */
export function validate(files: readonly string[]): number {
  const loaded = loadConfig(files, { env: process.env });
  const { file } = loaded;
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stdout.write(`${formatProblem(problem, file)}\n`);
    return 1;
  }
  for (const warning of loaded.warnings) process.stdout.write(`${formatProblem(warning, file)} (warning)\n`);
  const upstreams = Object.values(loaded.config.upstreams);
  const disabled = upstreams.filter((u) => !u.enabled).length;
  const count = `${upstreams.length} upstream${upstreams.length === 1 ? '' : 's'}`;
  process.stdout.write(`${file}: valid, ${count}${disabled > 0 ? `, ${disabled} of them disabled` : ''}\n`);
  return 0;
}
