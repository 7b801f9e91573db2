/**
 * Names for an upstream that change when anything does that decides what it lists, credentials included. They are
 * digests, so that no secret can be read from them.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { UpstreamSpec } from './spec.ts';

/** What processes get from the gateway beside their configuration. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start in. */
  readonly folder: string;
}

/** Inherited variables that hold no credentials, and differ between a terminal and a service. */
const NEUTRAL = new Set(['PATH', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TMPDIR', 'TERM']);

/**
 * Equal for specs that reach the same server with the same credentials. How a link to it is used (`sharing`, time-outs,
 * limits) is no part of it.
 * @param here default: of this process
 */
export function identityOf(
  { name, process: command, http }: Pick<UpstreamSpec, 'name' | 'process' | 'http'>,
  here: Surroundings = { env: process.env, folder: process.cwd() },
): string {
  return digest({
    name,
    process: command && {
      command: command.command,
      args: command.args,
      env: command.env,
      inheritEnv: [...new Set(command.inheritEnv)].sort(),
      inherited: Object.fromEntries(
        command.inheritEnv.filter((key) => !NEUTRAL.has(key)).map((key) => [key, here.env[key]]),
      ),
      cwd: resolve(here.folder, command.cwd ?? '.'),
    },
    http: http && {
      url: http.url,
      headers: Object.fromEntries(Object.entries(http.headers).map(([key, value]) => [key.toLowerCase(), value])),
      transport: http.transport,
    },
  });
}

/** The name of what an upstream lists to an audience. */
export const catalogKey = (spec: UpstreamSpec, audience: string): string => digest([identityOf(spec), audience]);

const digest = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('base64url');

/** JSON text with the members of objects in a fixed order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
