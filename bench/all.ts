/** The benchmarks, in the order in which they are run and shown. */
import type { Benchmark } from './benchmark.ts';
import { coldSession } from './cold.ts';
import { curves } from './curves.ts';
import { elicitation, eras, stdioCall } from './eras.ts';
import { idleSessions, largeAtOnce } from './held.ts';
import { latency, manySlow } from './paced.ts';
import { arguments1mb, longList, notifications, result1mb, result10mb } from './payloads.ts';
import { slowReaders } from './readers.ts';
import { signedIn } from './signed-in.ts';
import { smallCall } from './small-call.ts';
import { workers } from './workers.ts';

export const ALL: readonly Benchmark[] = [
  ...[smallCall, signedIn, stdioCall, eras, elicitation],
  ...[result1mb, result10mb, arguments1mb, notifications, longList],
  ...[coldSession, manySlow, latency, idleSessions, largeAtOnce, slowReaders, workers, curves],
];
