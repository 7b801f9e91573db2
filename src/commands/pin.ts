/** `patchbay pin`: records what upstreams say of their items, or shows how that differs from what is recorded. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import { readPins } from '../gateway/pin-board.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Catalog, ItemKind } from '../upstreams/catalog.ts';
import { KINDS } from '../upstreams/catalog-items.ts';
import { definitionDiff, visible } from '../upstreams/definition-diff.ts';
import { type Deviation, type Pins, PinsProblem } from '../upstreams/pins.ts';
import { findCatalogs } from './catalogs.ts';
import { pinsFileOf } from './pinned-file.ts';
import { CommandProblem } from './places.ts';
import { pick, wantedUpstreams } from './wanted-upstreams.ts';

export interface PinOptions {
  readonly config: readonly string[];
  readonly diff?: boolean;
  readonly json?: boolean;
}

/** Exit codes: nothing differs, or all is recorded; something differs, or is wrong; an upstream could not be asked. */
const FINE = 0;
const DIFFERENT = 1;
const UNTOLD = 2;

const WORDS: Readonly<Record<ItemKind, readonly [string, string]>> = {
  tools: ['tool', 'tools'],
  prompts: ['prompt', 'prompts'],
  resources: ['resource', 'resources'],
  resourceTemplates: ['resource template', 'resource templates'],
};

/** @param upstreams those to pin; all that are enabled when there are none @returns the exit code */
export async function pin(upstreams: readonly string[], options: PinOptions, version: string): Promise<number> {
  const loaded = loadConfig(options.config, { env: process.env });
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem, loaded.file)}\n`);
    return DIFFERENT;
  }
  const { config, file: main } = loaded;
  const file = pinsFileOf(config.pins, main);
  try {
    const wanted = wantedUpstreams(config, upstreams.length > 0 ? upstreams : undefined);
    const before = readPins(file);
    const log = createLogger({ level: 'silent', format: 'json' });
    const asked = { ...config, upstreams: pick(config.upstreams, wanted) };
    const { catalogs, missing } = await findCatalogs({ config: asked, file: main, version, log, fresh: true });
    const known = new Set(before.upstreams);
    const deviations = catalogs.flatMap((catalog) => before.deviations(catalog));
    const unpinned = catalogs.filter(({ upstream }) => !known.has(upstream));
    const differs = deviations.length > 0 || unpinned.length > 0;
    const after = options.diff ? before : catalogs.reduce((pins, catalog) => pins.with(catalog), before);
    if (!options.diff) save(file, after);
    const name = relative(process.cwd(), file) || file;
    if (options.json) process.stdout.write(asJson(name, deviations, unpinned, missing));
    else {
      process.stdout.write([...deviations.flatMap(linesOf), ''].join('\n'));
      for (const catalog of options.diff ? unpinned : catalogs)
        process.stdout.write(
          `${catalog.upstream}: ${countsOf(catalog)}${options.diff ? ', nothing of it pinned' : ` pinned in ${name}`}\n`,
        );
      if (options.diff && !differs) process.stdout.write('Everything is as it was pinned.\n');
      if (!options.diff && config.pins.file === undefined)
        process.stdout.write(
          `To hold upstreams to it, write into the config: pins: { file: ${JSON.stringify(name)} }\n`,
        );
    }
    for (const { upstream, problem } of missing)
      process.stderr.write(
        `${upstream} could not be asked${options.diff ? '' : ', its pins stay as they are'}: ${problem}\n`,
      );
    if (missing.length > 0) return UNTOLD;
    return options.diff && differs ? DIFFERENT : FINE;
  } catch (error) {
    if (!(error instanceof CommandProblem) && !(error instanceof PinsProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return DIFFERENT;
  }
}

/** Puts the file in its place whole, so that a gateway never reads half of it. */
function save(file: string, pins: Pins): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    writeFileSync(draft, pins.toString());
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new CommandProblem(
      `${file} cannot be written (${(error as NodeJS.ErrnoException).code}); name another file in pins.file, or let this user write there`,
    );
  }
}

function linesOf({ upstream, kind, name, change, before, after }: Deviation): string[] {
  const words = { changed: 'has changed', new: 'is new', gone: 'is gone' };
  const diff = change === 'changed' ? definitionDiff(before!.value, after!.value) : [];
  return [`${upstream}: ${WORDS[kind][0]} ${visible(name)} ${words[change]}`, ...diff.map((line) => `  ${line}`)];
}

function countsOf({ items }: Catalog): string {
  const counts = KINDS.filter((kind) => items[kind].length > 0).map(
    (kind) => `${items[kind].length} ${WORDS[kind][items[kind].length === 1 ? 0 : 1]}`,
  );
  return counts.length > 0 ? counts.join(', ') : 'nothing';
}

function asJson(
  file: string,
  deviations: readonly Deviation[],
  unpinned: readonly Catalog[],
  missing: readonly object[],
): string {
  const changes = deviations.map(({ upstream, kind, name, change, before, after }) => ({
    ...{ upstream, kind, name, change },
    ...(change === 'changed' && { diff: definitionDiff(before!.value, after!.value) }),
  }));
  return `${JSON.stringify({ file, changes, unpinned: unpinned.map(({ upstream }) => upstream), missing }, null, 2)}\n`;
}
