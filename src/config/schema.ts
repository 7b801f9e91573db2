/** The one schema of the config file: the types, the defaults and the JSON Schema all come from it. */
import { z } from 'zod';
import { policySchema, profilesSchema } from './access.ts';
import { authSchema } from './auth.ts';
import { exposureProblems } from './auth-exposure.ts';
import { authProblems } from './auth-rules.ts';
import { duration, issue, processes, section, size, text } from './fields.ts';
import type { Finding } from './finding.ts';
import { HOSTS } from './hosts.ts';
import { isLoopback } from './loopback.ts';
import * as is from './text.ts';
import { UPSTREAM_KEYS, type Upstream, upstreamSchema } from './upstream.ts';

export { UPSTREAM_KEYS };

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

const server = z.strictObject({
  host: text(is.listenHost)
    .default('127.0.0.1')
    .describe('Address to listen on. Other machines reach it only at an address of this one, or at 0.0.0.0 for all.'),
  port: z.int().min(0).max(65_535).default(8080).describe('TCP port to listen on; 0 takes any free one.'),
  workers: processes(256)
    .prefault(1)
    .describe('Processes that serve the port together, from 1 to 256; auto is one for each processor core.'),
  publicUrl: text(is.publicUrl)
    .transform((url) => url.replace(/\/+$/, ''))
    .optional()
    .describe('URL that clients reach Patchbay at, without /mcp, when it is not http://host:port.'),
  allowedHosts: z
    .array(text(is.hostHeader).transform((host) => host.toLowerCase()))
    .prefault([])
    .describe('Names accepted in the Host header, without port, beside those of host and publicUrl.'),
  allowedOrigins: z
    .array(text(is.exactOrigin))
    .default([])
    .describe('Origins whose web pages may connect, such as https://app.example.com; "null" for pages without one.'),
  trustProxy: z
    .array(text(is.network))
    .default([])
    .describe(
      'Addresses of proxies in front, such as [10.0.0.5] or [10.0.0.0/8]; the X-Forwarded-For of these says where a request comes from.',
    ),
  maxBodySize: size('4MiB', 'Largest request body.'),
  maxDepth: z.int().min(8).max(10_000).default(128).describe('Deepest nesting of a JSON request body, in levels.'),
  keepAlive: duration('20s', 'Time between the comments that keep an event stream open; 0 sends none.', { least: 0 }),
  hold: duration(
    '1s',
    'How long a reply waits for its answer before it becomes an event stream, for clients that can resume one; 0 waits on.',
    { least: 0 },
  ),
  sse: z
    .boolean()
    .default(false)
    .describe('Serve hosts that know only HTTP+SSE of 2024-11-05, at /sse and /messages, too.'),
  metrics: z
    .boolean()
    .default(false)
    .describe(
      'Serve figures for Prometheus at /metrics. Where clients sign in, a scrape needs a key or token with the scope metrics.',
    ),
  drainTimeout: duration('10s', 'How long open calls may finish when Patchbay is stopped.', { least: 0 }),
});

const names = z.strictObject({
  prefix: z
    .enum(['always', 'conflict', 'never'])
    .default('always')
    .describe(
      'When an exposed name starts with its upstream: always, only where two upstreams use the same name, never.',
    ),
  separator: text(is.separator, '^[A-Za-z0-9_-]{1,8}$').default('__').describe('Between upstream and upstream name.'),
  maxLength: z
    .int()
    .min(16)
    .max(128)
    .default(64)
    .describe('Longest exposed name, in characters; some hosts refuse over 64.'),
  hosts: z
    .array(z.enum(HOSTS))
    .default([])
    .describe(
      'Hosts that all names are to be short enough for, with what they put before them; the log says when there are more tools than one of them takes.',
    ),
  server: text(is.serverName, is.SERVER_NAME.source)
    .default('patchbay')
    .describe('What users call Patchbay in these hosts, which counts towards the length of names.'),
});

const pins = z.strictObject({
  file: text(is.file)
    .optional()
    .describe(
      'File with the definitions that `patchbay pin` has recorded; a relative path starts in the folder of the config file. Without it, nothing is held against pins.',
    ),
  onChange: z
    .enum(['quarantine', 'report'])
    .default('quarantine')
    .describe(
      'What happens to an item whose definition is not the pinned one: it is taken from clients, or the log says so.',
    ),
  onNew: z
    .enum(['report', 'quarantine', 'allow'])
    .default('report')
    .describe(
      'What happens to a tool, a prompt or a resource template that is not pinned, of an upstream that is: the log says so, it is taken from clients, or nothing.',
    ),
});

const lists = z.strictObject({
  pageSize: z.int().min(0).max(100_000).default(0).describe('Items in one page of a list; 0 sends all in one page.'),
  firstWait: duration(
    '5s',
    'How long the first initialize or list waits for slow upstreams; for those that run already, a sixth of it after the last one that came.',
    { least: 0 },
  ),
  refresh: duration('5m', 'How old a catalog may be before it is fetched again.'),
  maxPages: z.int().min(1).default(100).describe('Most pages fetched of one list of an upstream.'),
  maxItems: z.int().min(1).default(10_000).describe('Most items taken of one list of an upstream.'),
});

const events = z.strictObject({
  maxEvents: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Most events kept of one session, and as many answers beside them.'),
  maxBytes: size(
    '4MiB',
    'Most memory for the events of one session; answers that its client has not got yet come on top.',
  ),
  maxAge: duration('5m', 'How long an event is kept.'),
});

const sessions = z.strictObject({
  idleTimeout: duration(
    '30m',
    'How long an unused session is kept, and a connection whose client has stopped reading.',
  ),
  maxAge: duration('24h', 'How long any session is kept.'),
  maxPerPrincipal: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Most open sessions of one principal, streams at /sse included.'),
  deliver: duration('30s', 'How long a request to a client waits for it to open a stream, where none is open.'),
  retry: duration('1s', 'Time after which clients come back to a stream that was closed.'),
  events: section(events).describe('What is kept of event streams, so that clients can resume them.'),
  maxParked: z
    .int()
    .min(1)
    .default(256)
    .describe('Most calls of clients of 2026-07-28 that wait for an answer of their client, for one principal.'),
  maxInFlight: z.int().min(1).default(64).describe('Most requests in progress at once in one session.'),
});

const storage = z.strictObject({
  key: text(is.storageKey)
    .optional()
    .describe(
      'Secret that what is kept of sign-ins is encrypted with, from ${env:NAME} or ${file:/path}. Default: the file secret.key in storage.folder, made on the first run.',
    ),
  folder: text(is.folder)
    .optional()
    .describe(
      'Folder for what is kept between runs, such as what upstreams list. A relative path starts in the folder of the config file; `none` keeps nothing. Default: $STATE_DIRECTORY if set, else $XDG_STATE_HOME/patchbay, else ~/.local/state/patchbay.',
    ),
});

const secrets = z.strictObject({
  folders: z
    .array(text(is.folder))
    .default([])
    .describe(
      'Folders in which ${secret:NAME} looks for a file NAME, before $CREDENTIALS_DIRECTORY and /run/secrets. A relative path starts in the folder of the config file.',
    ),
});

const log = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').describe('Least important line that is logged.'),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('json: one object a line; pretty: for people; auto: pretty on a terminal, else json.'),
});

const upstreams = z
  .record(text(is.upstreamName, '^.{1,64}$'), upstreamSchema)
  .nullish()
  .transform((value) => value ?? {});

const file = z.strictObject({
  $schema: z.string().optional().describe('JSON Schema of this file, for editors; Patchbay does not read it.'),
  server: section(server).describe('Where Patchbay listens, and what it accepts.'),
  auth: section(authSchema).describe('Who may connect.'),
  upstreams: upstreams.describe('The MCP servers behind Patchbay, by name.'),
  mcpServers: upstreams.describe('Same as upstreams, as Claude and Cursor files call it.'),
  servers: upstreams.describe('Same as upstreams, as VS Code files call it.'),
  profiles: profilesSchema.describe('Selections of what there is, each at its own URL: /mcp/NAME; default is /mcp.'),
  policy: policySchema.describe(
    'Who may use what. Where it is there, what no rule allows is refused, and a rule that denies wins.',
  ),
  names: section(names).describe('How tools and prompts are called.'),
  pins: section(pins).describe('Whether what upstreams say of their items may change.'),
  lists: section(lists).describe('How catalogs are fetched and listed.'),
  sessions: section(sessions).describe('Limits of client sessions.'),
  storage: section(storage).describe('What is kept between runs.'),
  secrets: section(secrets).describe('Where secrets are looked for.'),
  log: section(log).describe('What is logged on stderr.'),
});

type File = z.output<typeof file>;

/** Schema of a whole config file, after interpolation. It parses to `Config`. */
export const configSchema = file
  .superRefine((config, ctx) => {
    for (const rule of [exposureProblems, ({ auth }: File) => authProblems(auth), eachUpstreamOnce, noneIsItself]) {
      for (const found of rule(config)) ctx.addIssue(issue(found));
    }
  })
  .transform(({ $schema, mcpServers, servers, policy, ...config }) => ({
    ...config,
    ...(policy ? { policy } : {}),
    // No prototype: `upstreams.constructor` is undefined unless an upstream has that name.
    upstreams: Object.assign(Object.create(null), config.upstreams, mcpServers, servers) as Record<string, Upstream>,
  }));

type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;

/** Effective settings: every default filled in, durations in ms, sizes in bytes, plain data, frozen all the way down. */
export type Config = Frozen<z.output<typeof configSchema>>;
export type UpstreamConfig = Frozen<Upstream>;

function* eachUpstreamOnce(config: File): Iterable<Finding> {
  const seen = new Map<string, string>();
  for (const key of UPSTREAM_KEYS) {
    for (const name of Object.keys(config[key])) {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, key);
      else
        yield {
          path: [key, name],
          message: `is also in \`${first}\``,
          mend: 'rename one of the two',
          subject: 'none',
        };
    }
  }
}

/** A gateway in front of itself would list its own tools, and those again, without end. */
function* noneIsItself({ server: { host, port, publicUrl }, ...config }: File): Iterable<Finding> {
  const own = publicUrl === undefined ? null : URL.parse(`${publicUrl}/mcp`);
  const everywhere = isLoopback(host) || host === '0.0.0.0' || host === '::';
  for (const key of UPSTREAM_KEYS) {
    for (const [name, upstream] of Object.entries(config[key])) {
      const url = upstream.kind === 'http' ? URL.parse(upstream.url) : null;
      if (url === null) continue;
      const onPort = port !== 0 && Number(url.port || (url.protocol === 'https:' ? 443 : 80)) === port;
      const here = everywhere && onPort && isLoopback(url.hostname);
      if (!here && (url.origin !== own?.origin || !`${url.pathname}/`.startsWith(`${own.pathname}/`))) continue;
      yield {
        path: [key, name, 'url'],
        message: 'leads back to Patchbay itself',
        mend: 'name the address of another server, or change server.port',
      };
    }
  }
}
