/** Holds what upstreams say of their items against the pins, tells what is different, and says what is held back. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { Holds } from '../methods/shaped-catalog.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Catalog, ItemKind } from '../upstreams/catalog.ts';
import { definitionDiff } from '../upstreams/definition-diff.ts';
import { type Deviation, Pins, PinsProblem, parsePins } from '../upstreams/pins.ts';

type Settings = Pick<Config['pins'], 'onChange' | 'onNew'>;

/** Lines of a difference that the log shows. */
const MOST_LINES = 40;

const WORDS: Readonly<Record<ItemKind, string>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  resourceTemplates: 'resource template',
};

/** Reads the file with the pins; there are none where it is not there. @throws PinsProblem that names the file */
export function readPins(file: string): Pins {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new Pins();
    throw new PinsProblem(`${file}: cannot be read (${code}); let the user that runs Patchbay read it`);
  }
  try {
    return parsePins(text);
  } catch (error) {
    if (error instanceof PinsProblem) throw new PinsProblem(`${file}: ${error.message}`);
    throw error;
  }
}

export class PinBoard {
  readonly #log: Logger;
  #pins = new Pins();
  #settings: Settings;
  /** What was told, so that it is told once. */
  readonly #told = new Set<string>();

  constructor(settings: Settings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Takes over other pins, or other settings. */
  configure(pins: Pins, settings: Settings): void {
    this.#pins = pins;
    this.#settings = settings;
    this.#told.clear();
  }

  /** How a catalog differs from what is pinned. */
  deviations(catalog: Catalog): Deviation[] {
    return this.#pins.deviations(catalog).filter((one) => this.#matters(one));
  }

  /** Whether an item is held back; tells of it where it is not as pinned. */
  readonly holds: Holds = (upstream, kind, item) => {
    const deviation = this.#pins.deviationOf(upstream, kind, item);
    if (!deviation || !this.#matters(deviation)) return false;
    const held = this.#holds(deviation);
    this.#tell(deviation, held);
    return held;
  };

  /** Resources come and go with what they stand for. */
  #matters({ kind, change }: Deviation): boolean {
    return change !== 'new' || (kind !== 'resources' && this.#settings.onNew !== 'allow');
  }

  #holds({ change }: Deviation): boolean {
    return this.#settings[change === 'new' ? 'onNew' : 'onChange'] === 'quarantine';
  }

  #tell({ upstream, kind, name, change, before, after }: Deviation, held: boolean): void {
    const key = JSON.stringify([upstream, kind, name, after?.hash]);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const lines = change === 'changed' ? definitionDiff(before!.value, after!.value) : [];
    const diff =
      lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more`] : lines;
    const what = change === 'new' ? 'is not pinned' : 'has changed since it was pinned';
    const then = held
      ? 'it is quarantined until `patchbay pin` accepts it'
      : '`patchbay pin --diff` shows it, `patchbay pin` accepts it';
    const details = { upstream, [WORDS[kind]]: name, ...(diff.length > 0 && { diff }) };
    this.#log.warn(details, `a definition ${what}: ${then}`);
  }
}
