/** One entry of `upstreams`: its keys, the rules between them, and the kind of upstream that follows from them. */
import { z } from 'zod';
import { issue, section, size, text } from './fields.ts';
import type { Finding } from './finding.ts';
import { itemsSchema } from './items.ts';
import { hasPort, unescapePort } from './port.ts';
import * as is from './text.ts';
import { recovery, timeouts } from './upstream-limits.ts';

/** Keys whose entries are upstreams; the second is what Claude and Cursor files call them, the third VS Code. */
export const UPSTREAM_KEYS = ['upstreams', 'mcpServers', 'servers'] as const;

/** Variables that processes get by default: none of them is a secret. */
export const INHERITED: readonly string[] = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TMPDIR', 'TERM'];
const TRANSPORTS = ['auto', 'streamable-http', 'sse'] as const;
const SHARING = ['session', 'user', 'shared'] as const;

const fields = z.strictObject({
  type: z
    .enum(['stdio', 'http', 'streamable-http', 'sse'])
    .optional()
    .describe(
      'As Claude and VS Code files write it; not needed here, since command and url say it. `sse` sets transport.',
    ),
  command: text(is.command)
    .optional()
    .describe(
      'Program to start. Alone: it is spoken to over stdin and stdout. With url: it is connected to at that url.',
    ),
  args: z
    .array(text(is.processText))
    .optional()
    .meta({ default: [], description: 'Arguments of the program, passed as they are: there is no shell.' }),
  env: z
    .record(text(is.envName), text(is.processText))
    .optional()
    .meta({ default: {}, description: 'Environment variables set for the program, on top of those in inheritEnv.' }),
  inheritEnv: z
    .array(text(is.envName))
    .optional()
    .meta({
      default: [...INHERITED],
      description: 'Names of the environment variables of Patchbay that the program gets.',
    }),
  cwd: text(is.processText)
    .optional()
    .describe('Folder the program starts in; relative to, and by default, the folder Patchbay was started in.'),
  url: text(is.upstreamUrl).optional().describe('Address of the MCP endpoint, http or https.'),
  headers: z.record(text(is.headerName), text(is.headerValue)).optional().meta({
    default: {},
    description: `HTTP headers sent with every request. Take secrets from \${env:NAME}, \${secret:NAME} or \${file:/path}.`,
  }),
  transport: z
    .enum(TRANSPORTS)
    .optional()
    .meta({ default: 'auto', description: 'HTTP transport to speak; auto tries streamable-http, then sse.' }),
  sharing: z
    .enum(SHARING)
    .default('session')
    .describe('Who shares one link: session (one each), user (one per principal), shared (one for all).'),
  protocol: z
    .enum(['auto', 'legacy', 'modern'])
    .default('auto')
    .describe('Which era to speak: modern (2026-07-28), legacy (before), or auto, which asks the server.'),
  enabled: z.boolean().default(true).describe('Whether this upstream is served.'),
  timeouts: section(timeouts).describe('Time limits.'),
  recovery: section(recovery).describe('What happens when this upstream fails.'),
  items: itemsSchema.describe(
    'How single tools, prompts and resources are shown and limited, by upstream name or a pattern of names, in which * is any text.',
  ),
  maxMessageSize: size('64MiB', 'Largest message taken from this upstream.'),
  maxLinks: z
    .int()
    .min(1)
    .default(256)
    .describe(
      'Most links to this upstream for clients at once, each of which is a process where command is its only address. The few over which Patchbay reads the lists come on top.',
    ),
  maxLinksPerPrincipal: z.int().min(1).default(100).describe('Most of them for one principal.'),
  spares: z.int().min(0).max(100).optional().meta({
    default: 0,
    description: 'Processes that are kept started for links to come, on top of maxLinks; with command alone.',
  }),
});

type Fields = z.output<typeof fields>;
type Common = Pick<
  Fields,
  | 'sharing'
  | 'protocol'
  | 'enabled'
  | 'timeouts'
  | 'recovery'
  | 'items'
  | 'maxMessageSize'
  | 'maxLinks'
  | 'maxLinksPerPrincipal'
>;

interface Process {
  command: string;
  args: string[];
  env: Record<string, string>;
  inheritEnv: string[];
  cwd?: string;
}

interface Endpoint {
  url: string;
  headers: Record<string, string>;
  transport: (typeof TRANSPORTS)[number];
}

/** A process spoken to over stdin and stdout. */
export type StdioUpstream = { kind: 'stdio'; spares: number } & Common & Process;
/** A server that runs elsewhere. */
export type HttpUpstream = { kind: 'http' } & Common & Endpoint;
/** A process that is started and then spoken to over HTTP; `fillPort` of port.ts fills its `args`, `env` and `url`. */
export type StartedHttpUpstream = { kind: 'started-http' } & Common & Process & Endpoint;
export type Upstream = StdioUpstream | HttpUpstream | StartedHttpUpstream;

/** Schema of one upstream: parses to a `kind`, the keys of that kind, and their defaults. Durations in ms, sizes in bytes. */
export const upstreamSchema = fields
  .superRefine((upstream, ctx) => {
    for (const rule of [reachable, ofOneKind, typeAgrees, portIsFilled, callsInBounds, headersOnce]) {
      for (const found of rule(upstream)) ctx.addIssue(issue(found));
    }
  })
  .transform(settle)
  .meta({ id: 'upstream', title: 'Upstream' });

function* reachable({ command, url }: Fields): Iterable<Finding> {
  if (command !== undefined || url !== undefined) return;
  yield {
    message: 'has neither `command` nor `url`',
    mend: 'add `command` for a local process, or `url` for a server that is already running',
    subject: 'none',
  };
}

const NEEDS_COMMAND = ['args', 'env', 'inheritEnv', 'cwd', 'spares'] as const;

function* ofOneKind(upstream: Fields): Iterable<Finding> {
  const { command, url } = upstream;
  if (command === undefined && url === undefined) return;
  const needs = (key: keyof Fields, other: 'command' | 'url'): Finding => ({
    path: [key],
    message: `has no effect without \`${other}\``,
    mend: `add \`${other}\`, or delete \`${key}\``,
    subject: 'none',
  });
  const stray = (keys: readonly (keyof Fields)[]) => keys.filter((key) => upstream[key] !== undefined);
  if (command === undefined) for (const key of stray(NEEDS_COMMAND)) yield needs(key, 'command');
  if (url === undefined) for (const key of stray(['headers', 'transport'])) yield needs(key, 'url');
  if (url !== undefined && command !== undefined && upstream.spares !== undefined) {
    yield {
      path: ['spares'],
      message: 'has no effect with `url`, since one process serves all links then',
      mend: 'delete `spares`',
      subject: 'none',
    };
  }
}

function* typeAgrees({ type, command, url, transport }: Fields): Iterable<Finding> {
  if (type === undefined || (command === undefined && url === undefined)) return;
  const path = ['type'];
  if (type === 'stdio' && url !== undefined)
    yield { path, message: 'does not agree with `url`', mend: 'delete `type`' };
  if (type !== 'stdio' && url === undefined)
    yield { path, message: 'needs `url`', mend: 'add `url`, or delete `type`' };
  const implied = type === 'sse' || type === 'streamable-http' ? type : undefined;
  if (implied !== undefined && transport !== undefined && transport !== implied) {
    yield { path, message: `does not agree with \`transport: ${transport}\``, mend: 'keep one of the two' };
  }
}

function* portIsFilled({ command, url, args = [], env = {} }: Fields): Iterable<Finding> {
  if (command !== undefined && url !== undefined) return;
  const lacking = command === undefined ? 'command' : 'url';
  const places: [PropertyKey[], string][] = [
    [['url'], url ?? ''],
    ...args.map((arg, index): [PropertyKey[], string] => [['args', index], arg]),
    ...Object.entries(env).map(([name, value]): [PropertyKey[], string] => [['env', name], value]),
  ];
  for (const [path] of places.filter(([, value]) => hasPort(value))) {
    yield {
      path,
      message: `\${port} needs an upstream with both \`command\` and \`url\``,
      mend: `add \`${lacking}\`, or write the port number`,
      subject: 'none',
    };
  }
}

function* callsInBounds({ timeouts: { call, callMax } }: Fields): Iterable<Finding> {
  if (call <= callMax) return;
  yield {
    path: ['timeouts', 'call'],
    message: 'is longer than `timeouts.callMax`',
    mend: 'make callMax at least as long',
  };
}

/** Header names are case-insensitive (RFC 9110 §5.1), so two spellings of one would both be sent. */
function* headersOnce({ headers = {} }: Fields): Iterable<Finding> {
  const seen = new Set<string>();
  for (const name of Object.keys(headers)) {
    if (seen.has(name.toLowerCase())) {
      yield {
        path: ['headers', name],
        message: 'is given twice',
        mend: 'keep one of the spellings',
        subject: 'none',
      };
    }
    seen.add(name.toLowerCase());
  }
}

function settle(upstream: Fields): Upstream {
  const { type, command, args, env, inheritEnv, cwd, url, headers, transport, spares = 0, ...common } = upstream;
  const implied = type === 'sse' || type === 'streamable-http' ? type : 'auto';
  const endpoint = { headers: headers ?? {}, transport: transport ?? implied };
  const launch = {
    args: args ?? [],
    env: env ?? {},
    inheritEnv: inheritEnv ?? [...INHERITED],
    ...(cwd !== undefined && { cwd }),
  };
  if (command !== undefined && url !== undefined) {
    return { kind: 'started-http', ...common, command, ...launch, url, ...endpoint };
  }
  if (command === undefined) return { kind: 'http', ...common, url: unescapePort(url ?? ''), ...endpoint };
  const plainEnv = Object.entries(launch.env).map(([name, value]) => [name, unescapePort(value)]);
  const plain = { args: launch.args.map(unescapePort), env: Object.fromEntries(plainEnv) };
  return { kind: 'stdio', ...common, command, ...launch, ...plain, spares };
}
