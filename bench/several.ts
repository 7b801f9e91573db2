/**
 * Whether two workers do twice the work of one. The load generator and the upstream run on the same cores, so that it is told
 * from CPU time: how many calls there were for each second that the busiest process of Patchbay was on a CPU.
 */
import { compare } from './compare.ts';
import { figures } from './figures.ts';
import { productionConfig, startIssuer } from './production.ts';
import { type Figure, median } from './report.ts';
import { startPatchbay, startUpstream } from './targets.ts';
import type { Load } from './windows.ts';

/** As hosts are: each session has its connection, and so its worker; a request by another connection is passed on. */
const KINDS: readonly { readonly name: string; readonly load: Partial<Load>; readonly least?: number }[] = [
  { name: 'legacy sessions, each with a connection of its own', load: { dedicated: 1 }, least: 1.7 },
  { name: 'legacy sessions that share their connections', load: {} },
  { name: 'modern clients', load: { era: 'modern' } },
];

export const workers = figures({
  name: 'workers',
  flags: { rounds: 6, seconds: 2 },
  quick: { rounds: 1, seconds: 1 },
  async measure({ rounds, seconds }, cli) {
    const results: Figure[] = [];
    for (const { name, load, least } of KINDS) {
      await using upstream = await startUpstream();
      await using issuer = await startIssuer();
      const { server, ...config } = productionConfig(issuer);
      const contender = (count: number) => ({
        name: count === 1 ? 'one worker' : `${count} workers`,
        start: () =>
          startPatchbay({ url: upstream.url }, { cli, config: { ...config, server: { ...server, workers: count } } }),
      });
      const asked = { seconds, warmup: 0.3, connections: 32, inFlight: 32, bytes: 200, token: issuer.token, ...load };
      const turns = { sets: 1, rounds, settle: 3 };
      const [one = [], two = []] = await compare([contender(1), contender(2)], asked, turns);
      const ratios = two.map(({ target }, i) => one[i]!.target.busiestUsPerCall / target.busiestUsPerCall);
      results.push({
        name: `calls of two against one: ${name}`,
        unit: '×',
        value: median(ratios),
        ...(least !== undefined && { least }),
      });
    }
    return results;
  },
});
