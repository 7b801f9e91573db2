/** The apps whose files are read: how a file is told to be theirs, and which variables they fill. */
import { basename, dirname } from 'node:path';

export type AppId = 'claude-desktop' | 'claude-code' | 'cursor' | 'vscode' | 'windsurf' | 'other';

/** Ways in which apps write variables. */
export type Syntax = 'none' | 'shell' | 'vscode' | 'windsurf' | 'any';

export interface App {
  readonly id: AppId;
  readonly title: string;
  readonly syntax: Syntax;
}

const APPS: Readonly<Record<AppId, App>> = {
  'claude-desktop': { id: 'claude-desktop', title: 'Claude Desktop', syntax: 'none' },
  'claude-code': { id: 'claude-code', title: 'Claude Code', syntax: 'shell' },
  cursor: { id: 'cursor', title: 'Cursor', syntax: 'vscode' },
  vscode: { id: 'vscode', title: 'VS Code', syntax: 'vscode' },
  windsurf: { id: 'windsurf', title: 'Windsurf', syntax: 'windsurf' },
  other: { id: 'other', title: 'an app that writes mcpServers', syntax: 'any' },
};

type Data = Readonly<Record<string, unknown>>;

/** @param file its path, by which most are known @param data what it holds, for those that were copied elsewhere */
export function appOf(file: string, data: Data): App {
  return APPS[byPath(file.replaceAll('\\', '/')) ?? byData(data)];
}

function byPath(file: string): AppId | undefined {
  const name = basename(file);
  const folder = basename(dirname(file));
  if (name === 'claude_desktop_config.json') return 'claude-desktop';
  if (['.mcp.json', '.claude.json', 'managed-mcp.json'].includes(name)) return 'claude-code';
  if (name === 'mcp_config.json') return 'windsurf';
  if (folder === '.cursor') return 'cursor';
  if (folder === '.vscode' || name.endsWith('.code-workspace') || name === 'settings.json') return 'vscode';
  return /\/User\/(profiles\/[^/]+\/)?mcp\.json$/.test(file) ? 'vscode' : undefined;
}

function byData(data: Data): AppId {
  if ('servers' in data || 'inputs' in data || 'mcp' in data) return 'vscode';
  if ('projects' in data) return 'claude-code';
  const entries = Object.values(mapping(data.mcpServers));
  return entries.some((entry) => 'serverUrl' in mapping(entry)) ? 'windsurf' : 'other';
}

/**
 * The folder of the project that a file belongs to; undefined for files of the user.
 * @param home the home folder, in which files of the same names are the user's
 */
export function projectOf(file: string, { id }: App, home: string): string | undefined {
  const folder = dirname(file);
  if (id === 'claude-code') return basename(file) === '.mcp.json' && folder !== home ? folder : undefined;
  if (!['.cursor', '.vscode'].includes(basename(folder))) return undefined;
  return dirname(folder) === home ? undefined : dirname(folder);
}

/** The value as a mapping; an empty one for anything else. */
export function mapping(value: unknown): Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Data) : {};
}
