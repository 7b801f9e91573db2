/**
 * Clients that do the same things at the same time, under the same ids and tokens, see only what is their own, whatever
 * the transport and the sharing of the upstream. On links that all share nobody is asked anything;
 * their logs, where all calls share one stream as well, cannot be told apart and go to everyone.
 */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import {
  cancelSome,
  connectFleet,
  expectNoStrangers,
  expectOwnQuestions,
  expectSameIds,
  type Member,
  playTogether,
  subscribeTogether,
} from './fleet.ts';
import { SEED } from './random.ts';
import { COMBINATIONS as combinations, startUpstreams, type Upstreams } from './upstreams.ts';

const LONG_MS = 120_000;
describe.each([2, 50])(`%i clients (SEED=${SEED})`, (size) => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  let fleet: Member[];

  beforeAll(async () => {
    upstreams = await startUpstreams();
    gateway = await startGateway({ config: { lists: { firstWait: '60s' }, upstreams: upstreams.config } });
    fleet = await connectFleet(gateway.url, size);
  }, LONG_MS);

  afterAll(async () => {
    await Promise.all((fleet ?? []).map(({ sdk }) => sdk.close()));
    await gateway?.stop();
    await upstreams?.stop();
  }, LONG_MS);

  test(
    'results, progress, logs and rounds',
    async () => {
      await Promise.all(combinations.map((combination) => playTogether(fleet, combination)));
      expectOwnQuestions(fleet);
      expectSameIds(fleet);
      expectNoStrangers(fleet);
    },
    LONG_MS,
  );

  test.each(combinations)(
    'cancelling on $name',
    async (combination) => {
      await cancelSome(fleet, combination, upstreams.cancelled);
      expectOwnQuestions(fleet);
    },
    LONG_MS,
  );

  test.each(combinations)(
    'resource updates on $name',
    async (combination) => {
      await subscribeTogether(fleet, combination);
      expectNoStrangers(fleet);
    },
    LONG_MS,
  );
});
