/** `patchbay explain NAME`: which upstream has an item, who may use it, and which rule says so. */
import { Grants } from '../auth/grants.ts';
import { DEFAULT_PROFILE, Profiles } from '../auth/profiles.ts';
import { UsersProblem } from '../auth/users-file.ts';
import { loadConfig } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import { formatProblem } from '../config/problems.ts';
import { PinBoard, readPins } from '../gateway/pin-board.ts';
import { viewSettings } from '../gateway/reconfigure.ts';
import { buildView } from '../methods/view.ts';
import { wholeView } from '../methods/view-cache.ts';
import type { Principal } from '../protocol/call.ts';
import { createLogger } from '../telemetry/log.ts';
import { type ItemKind, itemNamed } from '../upstreams/catalog.ts';
import { PinsProblem } from '../upstreams/pins.ts';
import { specsOf } from '../upstreams/spec.ts';
import { type FoundCatalogs, findCatalogs } from './catalogs.ts';
import { type Explained, explainItem, nearestItems } from './explanation.ts';
import { pinsFileOf } from './pinned-file.ts';
import { CommandProblem } from './places.ts';
import { askedAbout, type WhoOptions } from './who.ts';

export interface ExplainOptions extends WhoOptions {
  readonly profile?: string;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

/** Exit codes: it may be used; it may not, or is unknown; it cannot be told. */
const YES = 0;
const NO = 1;
const UNTOLD = 2;

/** Explains an item on stdout. @returns the exit code */
export async function explain(name: string, options: ExplainOptions, version: string): Promise<number> {
  const loaded = loadConfig(options.config, { env: process.env });
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem, loaded.file)}\n`);
    return UNTOLD;
  }
  const { config } = loaded;
  try {
    const open = config.auth.mode.includes('none');
    const profiles = new Profiles(config.profiles, open ? undefined : config.auth.scopes, version);
    const profile = profiles.get(options.profile ?? DEFAULT_PROFILE);
    if (!profile) throw new CommandProblem(noProfile(options.profile!, profiles));
    const principal = askedAbout(options, config);
    const log = createLogger({ level: 'silent', format: 'json' });
    const found = await findCatalogs({ config, file: loaded.file, version, log, fresh: options.fresh === true });
    const settings = viewSettings(config, specsOf(config.upstreams));
    const { view } = wholeView(found.catalogs, settings, 1);
    const rules = { names: settings.names, upstreams: [...settings.upstreams.keys()] };
    const plain = buildView(found.catalogs, rules, 2);
    const grants = new Grants(profiles, config.policy);
    const board = new PinBoard(config.pins, log);
    if (config.pins.file !== undefined) board.configure(readPins(pinsFileOf(config.pins, loaded.file)), config.pins);
    const holds = (kind: ItemKind, upstream: string, item: string): boolean => {
      const catalog = found.catalogs.find((one) => one.upstream === upstream);
      const own = catalog && itemNamed(catalog.items[kind], item);
      return own !== undefined && board.holds(upstream, kind, own);
    };
    const items = explainItem({ name, principal, profile, grants, view, plain, tokens: !open, holds });
    const near = items.length > 0 ? [] : nearestItems(view, name);
    const who = { user: principal.subject, groups: principal.groups ?? [], scopes: principal.scopes };
    if (options.json) {
      const answer = { name, as: who, profile: profile.name, items, nearest: near, missing: found.missing };
      process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    } else process.stdout.write(items.length > 0 ? items.map(told(principal)).join('\n') : unknown(name, near, found));
    if (items.some(({ usable }) => usable)) return YES;
    return items.length === 0 && found.missing.length > 0 ? UNTOLD : NO;
  } catch (error) {
    const ours = [CommandProblem, UsersProblem, PinsProblem].some((problem) => error instanceof problem);
    if (!(error instanceof Error) || !ours) throw error;
    process.stderr.write(`${error.message}\n`);
    return UNTOLD;
  }
}

function noProfile(name: string, profiles: Profiles): string {
  const names = [...profiles.all()].map((one) => one.name);
  const close = nearest(name, names);
  return `there is no profile ${name}; ${close ? `did you mean ${close}?` : `the profiles are ${names.join(', ')}`}`;
}

const told =
  ({ subject, groups = [], scopes }: Principal) =>
  ({
    kind,
    exposed,
    upstream,
    upstreamName,
    listed,
    profile,
    policy,
    scopes: { needed, missing },
    ...is
  }: Explained) => {
    const who = [
      subject === '' ? 'somebody' : subject,
      ...(groups.length > 0 ? [`in ${groups.join(', ')}`] : []),
      ...(scopes.length > 0 ? [`with ${scopes.join(' ')}`] : []),
    ].join(' ');
    const at = `at ${profile.path}`;
    const verdict = is.usable
      ? `${upper(who)} may use it ${at}.`
      : is.visible
        ? `${upper(who)} sees it ${at}, and is asked for the scope ${missing.join(' ')} to use it.`
        : `For ${who} it is not there ${at}: it is not listed, and to use it is an error as for any unknown name.`;
    const rows = [
      [exposed, `${kind} ${upstreamName} of upstream ${upstream}${listed ? '' : ', which does not list it'}`],
      ['profile', `${profile.name}: ${reason(profile.selected, profile.rule, 'selected', 'everything is')}`],
      [
        'policy',
        policy ? reason(policy.allowed, policy.rule, 'allowed', '') : 'none, so that everyone may use everything',
      ],
      [
        'scopes',
        needed.length === 0
          ? 'none needed'
          : `needs ${needed.join(' ')}${missing.length > 0 ? `; missing ${missing.join(' ')}` : ''}`,
      ],
    ];
    if (is.hidden) rows.push(['hidden', `by \`hide\` in upstreams.${upstream}.items`]);
    if (is.quarantined)
      rows.push(['pins', 'quarantined: `patchbay pin --diff` shows how it differs from what is pinned']);
    const width = 9;
    const [[head, what] = [], ...lines] = rows;
    return `${head}: ${what}\n${lines.map(([key = '', text]) => `  ${key.padEnd(width)}${text}\n`).join('')}${verdict}\n`;
  };

/** @param otherwise why it is so without a rule */
function reason(yes: boolean, rule: string | undefined, word: string, otherwise: string): string {
  if (yes)
    return rule === undefined ? `${word}${otherwise === '' ? '' : `, since ${otherwise}`}` : `${word} by ${rule}`;
  return rule === undefined ? `not ${word}: no rule says so` : `not ${word}, because of ${rule}`;
}

function unknown(name: string, near: readonly string[], { missing }: FoundCatalogs): string {
  const lines = [`Nothing is called ${name}.`];
  if (near.length > 0) lines.push(`Nearest: ${near.join(', ')}`);
  for (const { upstream, problem } of missing) lines.push(`What ${upstream} has is not known: ${problem}`);
  return `${lines.join('\n')}\n`;
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
