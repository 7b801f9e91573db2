/** Where the files of apps usually are. */
import { existsSync, readdirSync } from 'node:fs';
import { posix, win32 } from 'node:path';

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The folder of the project that may have files of its own. */
  readonly cwd: string;
}

/** Editors that are VS Code under another name keep their settings in a folder of that name. */
const EDITORS = ['Code', 'Code - Insiders', 'VSCodium'];

/** Paths at which files of apps may be on this machine, whether they are there or not. */
export function usualPlaces({ platform, env, home, cwd }: Machine): string[] {
  const { join } = platform === 'win32' ? win32 : posix;
  const roaming = env.APPDATA || join(home, 'AppData', 'Roaming');
  const settings =
    platform === 'win32'
      ? roaming
      : platform === 'darwin'
        ? join(home, 'Library', 'Application Support')
        : env.XDG_CONFIG_HOME || join(home, '.config');
  const managed =
    platform === 'win32'
      ? join(env.ProgramFiles || 'C:\\Program Files', 'ClaudeCode')
      : platform === 'darwin'
        ? '/Library/Application Support/ClaudeCode'
        : '/etc/claude-code';
  const project = ['.mcp.json', join('.cursor', 'mcp.json'), join('.vscode', 'mcp.json')];
  const editors = EDITORS.flatMap((editor) => {
    const user = join(settings, editor, 'User');
    const profiles = foldersIn(join(user, 'profiles')).map((name) => join(user, 'profiles', name));
    return [user, ...profiles].flatMap((folder) => [join(folder, 'mcp.json'), join(folder, 'settings.json')]);
  });
  return [
    ...project.map((file) => join(cwd, file)),
    join(settings, 'Claude', 'claude_desktop_config.json'),
    join(env.CLAUDE_CONFIG_DIR || home, '.claude.json'),
    join(managed, 'managed-mcp.json'),
    join(home, '.cursor', 'mcp.json'),
    ...editors,
    join(home, '.codeium', 'windsurf', 'mcp_config.json'),
  ];
}

/** Those of the usual places at which there is something. */
export const findFiles = (machine: Machine): string[] => [...new Set(usualPlaces(machine))].filter(existsSync);

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
