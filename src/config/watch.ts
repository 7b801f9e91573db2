/**
 * Tells when files have changed, by looking at them again and again: editors that rename, the symlinks of Kubernetes
 * ConfigMaps, bind mounts and network folders all show it that way, and not all of them by events.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isConfigFile } from './sources.ts';

export interface ConfigWatch {
  /** Watches these files and folders from now on, absolute paths. Changes of those that were watched already are not lost. */
  replace(files: readonly string[]): void;
  stop(): void;
}

/** Milliseconds. */
export interface WatchTiming {
  /** Between looks. */
  readonly interval: number;
  /** How long a change must rest before it is told. */
  readonly quiet: number;
}

const TIMING: WatchTiming = { interval: 1_000, quiet: 300 };
/** Looks at files that do not come to rest; after these the change is told all the same. */
const PATIENCE = 20;
/** A file may change again without a new time in its entry, where times are as coarse as this, milliseconds. */
const COARSEST_TIME = 3_000;

interface Seen {
  /** What the file's entry said. */
  readonly stamp: string;
  /** Whether the entry may say the same of other content. */
  readonly young: boolean;
  readonly digest: string;
}

/**
 * Begins to watch. To be called right after the files were read, since what they hold now is what changes are measured by.
 * The watch does not keep the process alive.
 * @param files absolute paths; one that is not there is watched for its coming. A folder stands for the config files in
 *   it: that they come and go, and that they are no longer written
 * @param onChange called when content has changed and rests; no looks are taken meanwhile. Must not throw or reject
 */
export function watchConfig(
  files: readonly string[],
  onChange: () => void | Promise<void>,
  timing: WatchTiming = TIMING,
): ConfigWatch {
  const watch = new Watch(files, onChange, timing);
  void watch.run();
  return watch;
}

class Watch implements ConfigWatch {
  /** file → digest of the content that was told of last */
  #told = new Map<string, string>();
  readonly #seen = new Map<string, Seen>();
  readonly #onChange: () => void | Promise<void>;
  readonly #timing: WatchTiming;
  readonly #over = new AbortController();

  constructor(files: readonly string[], onChange: () => void | Promise<void>, timing: WatchTiming) {
    this.#onChange = onChange;
    this.#timing = timing;
    this.replace(files);
  }

  replace(files: readonly string[]): void {
    this.#told = new Map(files.map((file) => [file, this.#told.get(file) ?? digestNow(file)]));
    for (const file of this.#seen.keys()) if (!this.#told.has(file)) this.#seen.delete(file);
  }

  stop(): void {
    this.#over.abort();
  }

  async run(): Promise<void> {
    const { interval, quiet } = this.#timing;
    while (await this.#wait(interval)) {
      let look = await this.#look();
      for (let looks = 0; this.#isNew(look) && looks < PATIENCE; looks++) {
        if (!(await this.#wait(quiet))) return;
        const next = await this.#look();
        const rests = [...next].every(([file, digest]) => look.get(file) === digest);
        look = next;
        if (rests) break;
      }
      if (this.#over.signal.aborted) return;
      if (!this.#isNew(look)) continue;
      for (const [file, digest] of look) if (this.#told.has(file)) this.#told.set(file, digest);
      await this.#onChange();
    }
  }

  /** @returns false when the watch is over */
  #wait(ms: number): Promise<boolean> {
    return delay(ms, true, { ref: false, signal: this.#over.signal }).catch(() => false);
  }

  #isNew(look: ReadonlyMap<string, string>): boolean {
    // the files may have been replaced while they were looked at
    return [...look].some(([file, digest]) => this.#told.has(file) && this.#told.get(file) !== digest);
  }

  async #look(): Promise<Map<string, string>> {
    const files = [...this.#told.keys()];
    return new Map(await Promise.all(files.map(async (file) => [file, await this.#digest(file)] as const)));
  }

  async #digest(file: string): Promise<string> {
    try {
      const stats = await stat(file);
      if (stats.isDirectory()) return digestOfFolder(file);
      const { dev, ino, size, mtimeMs, ctimeMs } = stats;
      const stamp = [dev, ino, size, mtimeMs, ctimeMs].join(' ');
      const seen = this.#seen.get(file);
      if (seen?.stamp === stamp && !seen.young) return seen.digest;
      const young = Date.now() - Math.max(mtimeMs, ctimeMs) < COARSEST_TIME;
      const digest = digestOf(await readFile(file));
      this.#seen.set(file, { stamp, young, digest });
      return digest;
    } catch (error) {
      this.#seen.delete(file);
      return unreadable(error);
    }
  }
}

/** The same at once, for the moment in which a watch begins. */
function digestNow(file: string): string {
  try {
    return statSync(file).isDirectory() ? digestOfFolder(file) : digestOf(readFileSync(file));
  } catch (error) {
    return unreadable(error);
  }
}

/** By the names, sizes and times of the config files in it; what they hold is watched for each of them. */
function digestOfFolder(folder: string): string {
  const names = readdirSync(folder).filter(isConfigFile).sort();
  const entries = names.map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? {};
    return [name, size, mtimeMs];
  });
  return digestOf(Buffer.from(JSON.stringify(entries)));
}

const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('base64url');

/** A file that cannot be read is as good as any other content: it changes when it can be. */
const unreadable = (error: unknown): string => `not read: ${(error as NodeJS.ErrnoException).code}`;
