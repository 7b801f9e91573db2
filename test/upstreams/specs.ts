/** What upstreams are configured to be, for tests: short times, a fixture as the process. */

import type { HttpSpec, ProcessSpec, Timeouts, UpstreamSpec } from '../../src/upstreams/spec.ts';
import { fixturePath } from '../fixtures/child.ts';

/** Long enough for a busy machine, short enough that a test which waits for one fails soon. */
export const TIMEOUTS: Timeouts = {
  open: 10_000,
  request: 5_000,
  call: 5_000,
  callMax: 10_000,
  elicitation: 5_000,
  sampling: 5_000,
  roots: 5_000,
  idle: 60_000,
  stop: 200,
};

interface Options {
  readonly name?: string;
  readonly timeouts?: Partial<Timeouts>;
  readonly maxMessageSize?: number;
}

function spec(
  { name = 'up', timeouts, maxMessageSize = 16 * 1024 * 1024 }: Options,
  how: Pick<UpstreamSpec, 'process' | 'http'>,
): UpstreamSpec {
  return {
    name,
    sharing: 'session',
    protocol: 'legacy',
    timeouts: { ...TIMEOUTS, ...timeouts },
    recovery: { failures: 5, firstRetry: 50, maxRetry: 1_000 },
    items: undefined,
    maxMessageSize,
    maxLinks: 1_000,
    maxLinksPerPrincipal: 1_000,
    spares: 0,
    secrets: [],
    ...how,
  };
}

/** Runs one of the fixtures, or a script given by its path, with node. */
export function nodeProcess(
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): ProcessSpec {
  const path = script.includes('/') ? script : fixturePath(script as Parameters<typeof fixturePath>[0]);
  return { command: process.execPath, args: [path, ...args], env, inheritEnv: ['PATH'], cwd: undefined };
}

/** An upstream on stdio. */
export const stdioSpec = (process: ProcessSpec, options: Options = {}): UpstreamSpec =>
  spec(options, { process, http: undefined });

/** A remote upstream. */
export const httpSpec = (
  url: string,
  transport: HttpSpec['transport'],
  options: Options & { headers?: HttpSpec['headers'] } = {},
): UpstreamSpec => spec(options, { process: undefined, http: { url, headers: options.headers ?? {}, transport } });

/** An HTTP upstream that the gateway starts itself. */
export const startedSpec = (process: ProcessSpec, url: string, options: Options = {}): UpstreamSpec =>
  spec(options, { process, http: { url, headers: {}, transport: 'streamable-http' } });
