/** Keys of the files of Claude, Cursor, VS Code and Windsurf that Patchbay has no place for. */

/** Those of a server, with what to do in place of each. */
export const LEFT: Readonly<Record<string, string>> = {
  autoApprove: 'hosts decide what they run without asking',
  alwaysAllow: 'hosts decide what they run without asking',
  trust: 'hosts decide what they run without asking',
  disabledTools: 'leave tools out with `exclude` of a profile, or with a policy',
  enabledTools: 'choose tools with `include` of a profile, or with a policy',
  includeTools: 'choose tools with `include` of a profile, or with a policy',
  excludeTools: 'leave tools out with `exclude` of a profile, or with a policy',
  envFile: 'set its variables in `env`, or in the environment of Patchbay and name them in `inheritEnv`',
  headersHelper: 'put what it prints into `headers`, from a file with ${file:/path}',
  oauth: 'put a token into `headers`',
  auth: 'put a token into `headers`',
  timeout: 'set `timeouts.call`; apps do not agree on its unit',
};

/** Further ones of a server, which only its app has a use for, or which are called otherwise here. */
const OF_SERVERS: readonly string[] = ['dev', 'disabled', 'gallery', 'httpUrl', 'serverUrl', 'version'];

/** Those of a whole file. */
const OF_FILES: readonly string[] = ['globalShortcut', 'inputs', 'mcp', 'projects'];

/** Whether what stands in a placeholder is a variable of VS Code or Cursor: `workspaceFolder`, `input:key`. */
export const isVariableOfEditors = (body: string): boolean =>
  /^(userHome|workspaceFolder(Basename)?(:.*)?|pathSeparator|\/|(input|config|command):.*)$/s.test(body);

/** Whether a key that is not known here belongs to another app. @param path to it, in a config of ours */
export function isOfAnotherApp(path: readonly PropertyKey[]): boolean {
  const key = String(path.at(-1));
  if (path.length === 1) return OF_FILES.includes(key);
  // `timeout` is one letter from a key of ours
  return path.length === 3 && key !== 'timeout' && (Object.hasOwn(LEFT, key) || OF_SERVERS.includes(key));
}
