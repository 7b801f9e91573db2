/** What the process that was started and its workers say to each other. */
import type { Config } from '../../config/schema.ts';
import type { Tally } from '../../storage/tallies.ts';

/** What a worker is to do. */
export interface Task {
  readonly config: Config;
  /** The main config file, which relative paths start beside. */
  readonly file: string;
  /** Where things are kept, absolute. */
  readonly folder: string;
  /** Where the workers listen for each other. */
  readonly sockets: string;
  /** Its number, from 1. */
  readonly worker: number;
  /** How many there are in all. */
  readonly of: number;
}

/** Which workers take requests now. */
export interface Crew {
  /** The number of each, and since when it runs, milliseconds since 1970. */
  readonly living: ReadonlyMap<number, number>;
  /** Whether all of them have been there at the same time. */
  readonly complete: boolean;
}

export type ToWorker =
  | { readonly type: 'start'; readonly task: Task; readonly crew: Crew }
  | { readonly type: 'config'; readonly config: Config }
  | { readonly type: 'crew'; readonly crew: Crew }
  /** What another worker has counted. */
  | { readonly type: 'tallies'; readonly tallies: readonly Tally[] }
  | { readonly type: 'stop' };

export type FromWorker =
  /** It can be told what to do. */
  | { readonly type: 'hello' }
  /** It takes requests, and what others pass on. */
  | { readonly type: 'listening' }
  /** What upstreams list is known, or will not be soon. */
  | { readonly type: 'listed' }
  /** What the others are to know that it has counted. */
  | { readonly type: 'tallies'; readonly tallies: readonly Tally[] };
