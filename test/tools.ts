/** Programs of the system that check what Patchbay is deployed with: Debian's packages, or what a variable names. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'vitest';

interface Tool {
  /** The variable that names another one. */
  readonly variable: string;
  /** How to get it. */
  readonly from: string;
}

const TOOLS = {
  nginx: { variable: 'NGINX', from: 'apt-get install nginx-light' },
  caddy: { variable: 'CADDY', from: 'apt-get install caddy' },
  'docker-compose': { variable: 'DOCKER_COMPOSE', from: 'apt-get install docker-compose' },
  kubectl: { variable: 'KUBECTL', from: 'apt-get install kubernetes-client' },
  'kubernetes-validate': { variable: 'KUBERNETES_VALIDATE', from: 'pip install kubernetes-validate' },
  helm: { variable: 'HELM', from: 'go install helm.sh/helm/v3/cmd/helm@v3.22.0' },
  'systemd-analyze': { variable: 'SYSTEMD_ANALYZE', from: 'apt-get install systemd' },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

export interface Ran {
  readonly code: number | null;
  /** What it wrote, on stdout and on stderr. */
  readonly output: string;
  readonly stdout: string;
}

/** Where a tool is. @returns `undefined` when it is not on this machine */
export function findTool(name: ToolName): string | undefined {
  const named = process.env[TOOLS[name].variable];
  if (named !== undefined) return named;
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Runs a tool to its end, for 60 s at most.
 * @throws Error that says how to install it when it is not there
 */
export function runTool(name: ToolName, args: readonly string[], options: { cwd?: string; input?: string } = {}): Ran {
  const path = findTool(name);
  if (path === undefined) throw new Error(missing(name));
  const { status, stdout, stderr, error } = spawnSync(path, args, { ...options, encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  return { code: status, output: `${stdout}${stderr}`, stdout };
}

const missing = (name: ToolName): string =>
  `${name} is not here: ${TOOLS[name].from}, or set ${TOOLS[name].variable} to where it is`;

/**
 * A test that needs tools. On a machine without one it is skipped and its name says what to install; where `CI` is set it
 * fails instead.
 */
export function testWith(tools: readonly ToolName[], name: string, run: () => void | Promise<void>): void {
  const lacks = tools.filter((tool) => findTool(tool) === undefined);
  if (lacks.length === 0 || process.env.CI) test(name, run, 120_000);
  else test.skip(`${name} (${lacks.map(missing).join('; ')})`);
}
