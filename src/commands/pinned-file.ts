/** The file with the pins of a running gateway: read when it starts, and again when it changes. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { type ConfigWatch, watchConfig } from '../config/watch.ts';
import { PinBoard, readPins } from '../gateway/pin-board.ts';
import type { Logger } from '../telemetry/log.ts';
import { Pins, PinsProblem } from '../upstreams/pins.ts';

type Settings = Config['pins'];

/** What the file is called where the config does not say. */
export const PINS_FILE = 'patchbay.pins.json';

/** The file with the pins, absolute. @param config the main config file */
export const pinsFileOf = ({ file = PINS_FILE }: Settings, config: string): string => resolve(dirname(config), file);

export class PinnedFile {
  readonly board: PinBoard;
  readonly #config: string;
  readonly #log: Logger;
  #settings: Settings | undefined;
  #pins = new Pins();
  #watch: ConfigWatch | undefined;

  /** @param config the main config file */
  constructor(config: string, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.board = new PinBoard({ onChange: 'quarantine', onNew: 'report' }, log);
  }

  /** @throws PinsProblem when the file cannot be used: a gateway that should hold definitions against it does not start */
  open(settings: Settings): void {
    this.#settings = settings;
    const file = this.#file;
    if (file !== undefined && !existsSync(file))
      this.#log.warn({ file }, 'nothing is pinned yet; `patchbay pin` records what upstreams say now');
    this.#pins = file === undefined ? new Pins() : readPins(file);
    this.board.configure(this.#pins, settings);
  }

  /** Begins to watch the file. @param changed called when other definitions are agreed to than before */
  watch(changed: () => void): void {
    this.#watch = watchConfig(this.#watched, () => {
      this.#read();
      changed();
    });
  }

  /** Takes over other settings; pins that cannot be read leave those that were there. */
  configure(settings: Settings): void {
    this.#settings = settings;
    this.#watch?.replace(this.#watched);
    this.#read();
  }

  stop(): void {
    this.#watch?.stop();
  }

  get #file(): string | undefined {
    return this.#settings?.file === undefined ? undefined : pinsFileOf(this.#settings, this.#config);
  }

  get #watched(): string[] {
    return this.#file === undefined ? [] : [this.#file];
  }

  #read(): void {
    const file = this.#file;
    try {
      // one that is gone says nothing of what was agreed to
      if (file !== undefined && this.#pins.upstreams.length > 0 && !existsSync(file))
        throw new PinsProblem(`${file}: is gone; take pins.file out of the config to hold nothing against pins`);
      this.#pins = file === undefined ? new Pins() : readPins(file);
      if (file !== undefined) this.#log.info({ file, upstreams: this.#pins.upstreams }, 'pins read again');
    } catch (error) {
      if (!(error instanceof PinsProblem)) throw error;
      this.#log.error({ problem: error.message }, 'pins not taken over: those from before stay');
    }
    this.board.configure(this.#pins, this.#settings!);
  }
}
