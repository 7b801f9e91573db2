/** What known hosts take of what a server lists, as far as they say so or are seen to (docs/hosts.md). */

/** Hosts by the names they have in the config and on the command line. */
export const HOSTS = ['claude', 'cursor', 'vscode', 'chatgpt'] as const;
export type HostName = (typeof HOSTS)[number];

export interface HostLimits {
  /** What people call it. */
  readonly title: string;
  /** The longest name of a tool, in characters. @param server what users call the gateway there */
  nameLength(server: string): number;
  /** How that comes about. */
  readonly nameRule: string;
  /** How many tools it takes, and what happens to more. */
  readonly tools?: { readonly most: number; readonly beyond: string };
  /** The longest description of a tool, in characters, and what happens to longer ones. */
  readonly description?: { readonly longest: number; readonly beyond: string };
}

export const HOST_LIMITS: Readonly<Record<HostName, HostLimits>> = {
  claude: {
    title: 'Claude',
    nameLength: (server) => 64 - `mcp__${server}__`.length,
    nameRule: 'mcp__SERVER__NAME has 64 characters at most',
    description: { longest: 2_048, beyond: 'is cut off' },
  },
  cursor: {
    title: 'Cursor',
    nameLength: (server) => 60 - server.length,
    nameRule: 'the names of server and tool have 60 characters at most together',
    tools: { most: 80, beyond: 'it warns' },
  },
  vscode: {
    title: 'VS Code',
    nameLength: () => 64,
    nameRule: 'names have 64 characters at most',
    tools: { most: 128, beyond: 'the rest cannot be used' },
  },
  chatgpt: {
    title: 'ChatGPT',
    nameLength: () => 64,
    nameRule: 'names have 64 characters at most',
    description: { longest: 1_024, beyond: 'may be refused' },
  },
};

/** The settings in `names` that decide how long names are. */
export interface NameBudget {
  readonly maxLength: number;
  readonly hosts: readonly HostName[];
  readonly server: string;
}

/** The longest exposed name that all of the hosts take, and no longer than `maxLength`. */
export const longestName = ({ maxLength, hosts, server }: NameBudget): number =>
  Math.min(maxLength, ...hosts.map((host) => HOST_LIMITS[host].nameLength(server)));
