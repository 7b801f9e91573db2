/**
 * Modern clients that do the same things at the same time, with the same requests to the last byte, in front of legacy
 * upstreams that ask in the course of their calls: every answer, report of progress and question is that of the call it
 * belongs to. All clients are one principal and share a link. Over HTTP each call is asked on a stream of its own; where
 * calls share one, a question may be put to another client of the principal, but its answer goes where it was asked.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { SEED } from '../fixtures/shared/random.ts';
import { expectAll, expectOwn, fleetOf, hangUp, loseConnections, playTogether } from './modern-fleet.ts';
import { COMBINATIONS, startUpstreams, type Upstreams } from './upstreams.ts';

const LONG_MS = 180_000;
const CALLS = 2;
const ASKING = COMBINATIONS.filter(({ asks, sharing }) => asks && sharing === 'session');

describe.each([2, 25])(`%d modern clients (SEED=${SEED})`, (size) => {
  let upstreams: Upstreams;
  let gateway: Gateway;

  beforeAll(async () => {
    upstreams = await startUpstreams();
    const config = Object.fromEntries(ASKING.map(({ name }) => [name, upstreams.config[name]!]));
    gateway = await startGateway({ config: { upstreams: config } });
  }, LONG_MS);

  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  }, LONG_MS);

  test.each(ASKING)(
    'results, progress, logs and rounds over $transport',
    async ({ name, transport }) => {
      const fleet = fleetOf(gateway.url, size);
      const seen = await playTogether(fleet, name, CALLS);
      expectOwn(fleet, seen);
      if (transport === 'http') expectAll(fleet, seen);
      expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([]);
    },
    LONG_MS,
  );

  test.each(ASKING)(
    'hanging up over $transport',
    async ({ name }) => hangUp(fleetOf(gateway.url, size), name, upstreams.cancelled),
    LONG_MS,
  );

  test(
    'coming back after a lost connection',
    async () => loseConnections(fleetOf(gateway.url, size), 'http-session'),
    LONG_MS,
  );
});
