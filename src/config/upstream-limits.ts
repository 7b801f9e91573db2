/** The limits of one upstream: how long it may take, and what follows when it fails. */
import { z } from 'zod';
import { duration } from './fields.ts';

/** How long an upstream may take for what. */
export const timeouts = z.strictObject({
  open: duration('10s', 'Longest wait for a link to open: process start or connection, and handshake.'),
  request: duration('60s', 'Longest wait for the answer to any request other than a tool call.'),
  call: duration(
    '5m',
    'Longest wait for the answer to a tool call; progress starts it again, where the client asks for progress. Single tools have theirs in items.',
  ),
  callMax: duration('1h', 'Longest a tool call may take in all, however much progress it reports.'),
  elicitation: duration('10m', 'Longest wait for a person to answer what the upstream asks.'),
  sampling: duration('2m', "Longest wait for the client's model to answer what the upstream asks."),
  roots: duration('15s', 'Longest wait for the client to list its roots.'),
  idle: duration('5m', 'How long an unused link stays open.'),
  stop: duration(
    '2s',
    'Grace when a process is stopped: after closing its stdin before SIGTERM, and after SIGTERM before SIGKILL.',
    { least: 0 },
  ),
});

/** What follows when an upstream fails. */
export const recovery = z.strictObject({
  failures: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('Failures in a row after which the upstream is left alone for a while, and calls to it fail at once.'),
  firstRetry: duration('250ms', 'Wait after the first failure; it doubles from one to the next.'),
  maxRetry: duration('60s', 'Longest wait between two attempts to reach the upstream.'),
});
