/** `patchbay catalog`: what clients will see, what it costs them, and what known hosts will make of it. */
import { Profiles } from '../auth/profiles.ts';
import { HOSTS, type HostName } from '../config/hosts.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { PinBoard, readPins } from '../gateway/pin-board.ts';
import { viewSettings } from '../gateway/reconfigure.ts';
import { type HostNote, hostNotes } from '../methods/host-notes.ts';
import { restrictView } from '../methods/restricted-view.ts';
import type { View } from '../methods/view.ts';
import { wholeView } from '../methods/view-cache.ts';
import { createLogger } from '../telemetry/log.ts';
import type { ItemKind } from '../upstreams/catalog.ts';
import { KINDS } from '../upstreams/catalog-items.ts';
import { type Deviation, PinsProblem } from '../upstreams/pins.ts';
import { specsOf } from '../upstreams/spec.ts';
import { type FoundCatalogs, findCatalogs } from './catalogs.ts';
import { pinsFileOf } from './pinned-file.ts';
import { CommandProblem } from './places.ts';
import { table } from './table.ts';
import { estimateTokens } from './token-estimate.ts';
import { pick, wantedUpstreams } from './wanted-upstreams.ts';

export interface CatalogOptions {
  readonly config: readonly string[];
  readonly upstream?: readonly string[];
  readonly host?: readonly HostName[];
  readonly profile?: string;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

/** One item as clients see it. */
export interface CatalogLine {
  readonly kind: ItemKind;
  /** What clients call it. */
  readonly name: string;
  readonly upstream: string;
  readonly upstreamName: string;
  readonly title?: string;
  readonly description?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
  /** About how much of a model's context its definition takes. */
  readonly tokens: number;
}

/** Exit codes: all is there; the config has problems; not all could be found out. */
const FINE = 0;
const WRONG = 1;
const UNTOLD = 2;

/** Definitions of tools that take more are a tenth of a context of 200,000 tokens. */
const MANY_TOKENS = 20_000;
const LONGEST_SHOWN = 60;

const TITLES: Readonly<Record<ItemKind, string>> = {
  tools: 'Tools',
  prompts: 'Prompts',
  resources: 'Resources',
  resourceTemplates: 'Resource templates',
};

/** Prints the catalog on stdout. @returns the exit code */
export async function catalog(options: CatalogOptions, version: string): Promise<number> {
  const loaded = loadConfig(options.config, { env: process.env });
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem, loaded.file)}\n`);
    return WRONG;
  }
  const { config, file } = loaded;
  try {
    const wanted = wantedUpstreams(config, options.upstream);
    const log = createLogger({ level: 'silent', format: 'json' });
    const asked = { ...config, upstreams: pick(config.upstreams, wanted) };
    const found = await findCatalogs({ config: asked, file, version, log, fresh: options.fresh === true });
    const board = new PinBoard(config.pins, log);
    if (config.pins.file !== undefined) board.configure(readPins(pinsFileOf(config.pins, file)), config.pins);
    const settings = viewSettings(config, specsOf(config.upstreams), board.holds);
    const { view: whole, notes } = wholeView(found.catalogs, settings, 1);
    const view = inProfile(whole, config, options.profile, version);
    const items = KINDS.flatMap((kind) => linesOf(kind, view));
    const hosts = options.host ?? (config.names.hosts.length > 0 ? config.names.hosts : HOSTS);
    const warnings = [
      ...notes.map(({ upstream, kind, name, problem }) => `upstreams.${upstream}.items.${kind}.${name}: ${problem}`),
      ...found.catalogs.flatMap((one) => board.deviations(one)).flatMap(pinNote(config)),
      ...[...totalNotes(items), ...hostNotes(view, hosts, config.names.server)].map(toldNote),
    ];
    const shown = { items, warnings, found };
    process.stdout.write(options.json ? asJson(shown) : asText(shown));
    return found.missing.length > 0 ? UNTOLD : FINE;
  } catch (error) {
    if (!(error instanceof CommandProblem) && !(error instanceof PinsProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return WRONG;
  }
}

interface Shown {
  readonly items: readonly CatalogLine[];
  readonly warnings: readonly string[];
  readonly found: FoundCatalogs;
}

function inProfile(view: View, config: Config, name: string | undefined, version: string): View {
  const profiles = new Profiles(config.profiles, undefined, version);
  const profile = name === undefined ? profiles.usual : profiles.get(name);
  if (!profile) {
    const names = [...profiles.all()].map((one) => one.name);
    throw new CommandProblem(`there is no profile ${name}; the profiles are ${names.join(', ')}`);
  }
  const { selection } = profile;
  return selection ? restrictView(view, { selection, policy: undefined }, 2) : view;
}

function linesOf(kind: ItemKind, view: View): CatalogLine[] {
  const { items, origins } = view.lists[kind];
  return items.map((item, i) => {
    const text = item.toString('utf8');
    const definition = JSON.parse(text) as Record<string, unknown>;
    const { upstream, item: own } = origins[i]!;
    const { title, description, annotations } = definition;
    const key = kind === 'resources' ? 'uri' : kind === 'resourceTemplates' ? 'uriTemplate' : 'name';
    return {
      kind,
      name: String(definition[key]),
      upstream,
      upstreamName: own.name,
      ...(typeof title === 'string' && { title }),
      ...(typeof description === 'string' && { description }),
      ...(typeof annotations === 'object' &&
        annotations !== null && { annotations: annotations as Record<string, unknown> }),
      tokens: estimateTokens(kind === 'tools' ? toldToModels(definition) : text),
    };
  });
}

/** What hosts tell a model of a tool. */
const toldToModels = ({ name, description, inputSchema }: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ name, description, inputSchema });

function totalNotes(items: readonly CatalogLine[]): HostNote[] {
  const tokens = total(items.filter(({ kind }) => kind === 'tools'));
  if (tokens <= MANY_TOKENS) return [];
  const problem = `the tools take about ${number(tokens)} tokens of every conversation, more than a tenth of a context of 200,000; hide some with items, or select some in a profile`;
  return [{ hosts: [], problem }];
}

const pinNote =
  ({ pins }: Config) =>
  ({ upstream, kind, name, change }: Deviation): string[] => {
    if (change === 'gone') return [];
    const held = pins[change === 'new' ? 'onNew' : 'onChange'] === 'quarantine';
    const what = change === 'new' ? 'is not pinned' : 'has changed since it was pinned';
    return [`${upstream}/${name} of ${kind} ${what}${held ? ', so that clients do not see it' : ''}`];
  };

const toldNote = ({ tool, problem }: HostNote): string => (tool === undefined ? problem : `${tool}: ${problem}`);

const total = (items: readonly CatalogLine[]): number => items.reduce((sum, { tokens }) => sum + tokens, 0);

function asJson({ items, warnings, found }: Shown): string {
  const totals = Object.fromEntries(
    KINDS.map((kind) => {
      const own = items.filter((item) => item.kind === kind);
      return [kind, { items: own.length, tokens: total(own) }];
    }),
  );
  const upstreams = found.catalogs.map(({ upstream, fetchedAt }) => ({
    upstream,
    fetchedAt: new Date(fetchedAt).toISOString(),
  }));
  return `${JSON.stringify({ items, totals, warnings, upstreams, missing: found.missing }, null, 2)}\n`;
}

function asText({ items, warnings, found }: Shown): string {
  const parts = KINDS.flatMap((kind) => {
    const own = items.filter((item) => item.kind === kind);
    if (own.length === 0) return [];
    const rows = own.map((item) => [item.name, item.upstream, number(item.tokens), hintsOf(item), said(item)]);
    const heads = [kind === 'tools' || kind === 'prompts' ? 'NAME' : 'URI', 'UPSTREAM', 'TOKENS', 'HINTS', 'SAYS'];
    return [`${TITLES[kind]}: ${own.length}, about ${number(total(own))} tokens\n\n${table(heads, rows)}`];
  });
  if (items.length === 0) parts.push('Clients see nothing.\n');
  if (warnings.length > 0)
    parts.push(`Warnings: ${warnings.length}\n\n${warnings.map((line) => `- ${line}\n`).join('')}`);
  if (found.missing.length > 0)
    parts.push(
      found.missing.map(({ upstream, problem }) => `What ${upstream} has is not known: ${problem}\n`).join(''),
    );
  return parts.join('\n');
}

/** What a tool says of itself, in few words. */
function hintsOf({ annotations = {} }: CatalogLine): string {
  const words = [
    annotations.readOnlyHint === true ? 'reads' : undefined,
    annotations.readOnlyHint !== true && annotations.destructiveHint === true ? 'destroys' : undefined,
    annotations.idempotentHint === true ? 'idempotent' : undefined,
    annotations.openWorldHint === false ? 'closed' : undefined,
  ];
  return words.filter((word) => word !== undefined).join(' ');
}

function said({ title, description = '' }: CatalogLine): string {
  const line = [title, description.split('\n', 1)[0]].filter((text) => text !== undefined && text !== '').join(': ');
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN - 1)}…` : line;
}

const number = (value: number): string => value.toLocaleString('en-US');
