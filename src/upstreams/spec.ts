/** What the upstream side needs to know of one upstream's configuration; all times are milliseconds. */
import type { UpstreamConfig } from '../config/schema.ts';
import { placeholderTexts } from '../config/secrets.ts';
import type { Call, Deadline } from '../protocol/call.ts';
import type { ItemKind } from './catalog.ts';
import type { HealthRules } from './health.ts';
import { type ItemRules, itemRules } from './item-rules.ts';

export interface Timeouts {
  /** Start and handshake. */
  readonly open: number;
  /** One request other than `tools/call`. */
  readonly request: number;
  /** One `tools/call` without progress. */
  readonly call: number;
  /** One request in all, whatever progress it makes. */
  readonly callMax: number;
  /** A person's answer to an elicitation. */
  readonly elicitation: number;
  /** The client's answer to a sampling request. */
  readonly sampling: number;
  /** The client's list of roots. */
  readonly roots: number;
  /** A link that nobody uses is closed after this time. */
  readonly idle: number;
  /** Grace between the steps of ending a process. */
  readonly stop: number;
}

export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly inheritEnv: readonly string[];
  readonly cwd: string | undefined;
}

export interface HttpSpec {
  /** May hold `${port}` when the gateway starts the server itself. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly transport: 'auto' | 'streamable-http' | 'sse';
}

/** `process` alone is stdio, `http` alone a remote server, both a server that the gateway starts and talks HTTP to. */
export interface UpstreamSpec {
  readonly name: string;
  readonly process: ProcessSpec | undefined;
  readonly http: HttpSpec | undefined;
  readonly sharing: 'session' | 'user' | 'shared';
  /** Which era it is spoken to in; auto finds out. */
  readonly protocol: 'auto' | 'legacy' | 'modern';
  readonly timeouts: Timeouts;
  readonly recovery: HealthRules;
  /** What is said of single items; `undefined` where nothing is. */
  readonly items: ItemRules | undefined;
  /** Bytes. */
  readonly maxMessageSize: number;
  /** Links at once, in all and of one principal. */
  readonly maxLinks: number;
  readonly maxLinksPerPrincipal: number;
  /** Processes kept started for links to come. */
  readonly spares: number;
  /** Texts that it was given from outside of the config file and that must not be shown. */
  readonly secrets: readonly string[];
}

/** The kind of item that a request uses, by its method. */
export const USES: ReadonlyMap<string, ItemKind> = new Map([
  ['tools/call', 'tools'],
  ['prompts/get', 'prompts'],
  ['resources/read', 'resources'],
]);

/** The limits of a request by its method and what it is about. */
export function deadlineOf(
  { timeouts, items }: Pick<UpstreamSpec, 'timeouts' | 'items'>,
  { method, target }: Pick<Call, 'method' | 'target'>,
): Deadline {
  const usual = method === 'tools/call' ? 'call' : 'request';
  const kind = items && USES.get(method);
  const own = kind && target ? items.of(kind, target.name)?.timeout : undefined;
  const idle = own?.value ?? timeouts[usual];
  return { idle, total: Math.max(timeouts.callMax, idle), knob: own?.knob ?? `timeouts.${usual}` };
}

/** The enabled upstreams of a configuration, in its order. */
export function specsOf(upstreams: Readonly<Record<string, UpstreamConfig>>): Map<string, UpstreamSpec> {
  const specs = new Map<string, UpstreamSpec>();
  for (const [name, upstream] of Object.entries(upstreams)) {
    if (!upstream.enabled) continue;
    const { kind, sharing, protocol, timeouts, recovery, items, maxMessageSize, maxLinks, maxLinksPerPrincipal } =
      upstream;
    specs.set(name, {
      name,
      process: kind === 'http' ? undefined : processOf(upstream),
      http: kind === 'stdio' ? undefined : httpOf(upstream),
      sharing,
      protocol,
      timeouts,
      recovery,
      items: itemRules(items),
      maxMessageSize,
      maxLinks,
      maxLinksPerPrincipal,
      spares: upstream.kind === 'stdio' ? upstream.spares : 0,
      secrets: placeholderTexts(upstream),
    });
  }
  return specs;
}

const processOf = ({
  command,
  args,
  env,
  inheritEnv,
  cwd,
}: Omit<ProcessSpec, 'cwd'> & { cwd?: string }): ProcessSpec => ({
  command,
  args,
  env,
  inheritEnv,
  cwd,
});

const httpOf = ({ url, headers, transport }: HttpSpec): HttpSpec => ({ url, headers, transport });
