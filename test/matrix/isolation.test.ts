/**
 * Clients that do the same things at the same time, with the same requests to the last byte, see only what is their own,
 * whatever the transport and the sharing of the upstream, and whether or not they can be asked. On links that all share
 * nobody is asked anything; their logs, where all calls share one stream as well, reach nobody while they cannot be told
 * apart.
 */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { SEED } from '../fixtures/shared/random.ts';
import {
  cancelSome,
  connectFleet,
  expectNothingCrossed,
  expectSameRequests,
  type Member,
  playTogether,
  subscribeTogether,
} from './fleet.ts';
import { COMBINATIONS, startUpstreams, type Upstreams } from './upstreams.ts';

const LONG_MS = 180_000;
/** Processes of one client each, or nearly so, have little to mix up; fifty of them once are enough. */
const WITHOUT_OWN_PROCESSES = COMBINATIONS.filter(({ manyProcesses }) => !manyProcesses);

describe.each([
  { title: '2 clients', size: 2, able: true, combinations: COMBINATIONS, calls: 3 },
  { title: '2 clients without capabilities', size: 2, able: false, combinations: COMBINATIONS, calls: 3 },
  { title: '50 clients', size: 50, able: true, combinations: COMBINATIONS, calls: 2 },
  {
    title: '50 clients without capabilities',
    size: 50,
    able: false,
    combinations: WITHOUT_OWN_PROCESSES,
    calls: 1,
  },
])(`$title (SEED=${SEED})`, ({ size, able, combinations, calls }) => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  let fleet: Member[];

  beforeAll(async () => {
    upstreams = await startUpstreams();
    gateway = await startGateway({ config: { lists: { firstWait: '60s' }, upstreams: upstreams.config } });
    fleet = await connectFleet(gateway.url, size, able);
  }, LONG_MS);

  afterAll(async () => {
    await Promise.all((fleet ?? []).map(({ sdk }) => sdk.close()));
    await gateway?.stop();
    await upstreams?.stop();
  }, LONG_MS);

  test(
    'results, progress, logs and rounds',
    async () => {
      await playTogether(fleet, combinations, calls);
      expectSameRequests(fleet);
      expectNothingCrossed(fleet);
    },
    LONG_MS,
  );

  test.each(combinations)(
    'cancelling on $name',
    async (combination) => {
      await cancelSome(fleet, combination, upstreams.cancelled);
      expectNothingCrossed(fleet);
    },
    LONG_MS,
  );

  test.each(combinations)(
    'resource updates on $name',
    async (combination) => {
      await subscribeTogether(fleet, combination);
      expectNothingCrossed(fleet);
    },
    LONG_MS,
  );
});
