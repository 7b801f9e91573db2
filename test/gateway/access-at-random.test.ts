/** A running gateway with one profile and policy after the other, at random: clients of both eras can use what they list. */
import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { startGateway } from '../fixtures/gateway.ts';
import { SEED } from '../fixtures/shared/random.ts';
import { policy, profile } from '../methods/access-arbitraries.ts';
import type { Rpc } from './exchange.ts';
import { ERAS, probe } from './prober.ts';
import { startModern } from './scripted-modern.ts';
import { startUpstream, textResult, tool } from './scripted-upstream.ts';

const ROUNDS = 8;

const TOOLS = [
  { ...tool('read'), annotations: { readOnlyHint: true } },
  { ...tool('write'), annotations: { destructiveHint: false } },
  tool('delete'),
  tool('show'),
];
/** One whose outcome is known. */
const FIRST: readonly [object, readonly object[] | undefined] = [
  { include: ['docs'], exclude: ['docs/docs:///shut/*'] },
  [{ allow: ['*'], readOnly: true }, { allow: ['*/docs:///*'] }, { deny: ['*/*page*'] }],
];

const handlers: Readonly<Record<string, (message: Rpc) => object>> = {
  'tools/call': () => textResult('x'),
  'prompts/get': () => ({ messages: [] }),
  'resources/read': ({ params }) => ({ contents: [{ uri: params?.uri, text: 'x' }] }),
  'completion/complete': () => ({ completion: { values: [] } }),
};
const resources = (scheme: string) => [
  { uri: `${scheme}:///open`, name: 'open' },
  { uri: `${scheme}:///shut/x`, name: 'shut' },
];

test(`what is listed can be used, and nothing else (SEED=${SEED})`, { timeout: 60_000 }, async () => {
  const docs = await startUpstream({
    tools: TOOLS,
    prompts: [{ name: 'read' }, { name: 'greet' }],
    resources: resources('docs'),
    resourceTemplates: [{ uriTemplate: 'docs:///page/{id}', name: 'page' }],
    capabilities: { completions: {} },
    handlers,
  });
  const files = await startModern({ tools: TOOLS, resources: resources('files'), handlers });
  const base = {
    server: { port: 0 },
    lists: { firstWait: '60s' },
    upstreams: { docs: { url: docs.url }, files: { url: files.url } },
  };
  const gateway = await startGateway({ config: base });
  try {
    const items = await (await probe('legacy', gateway.url)).listed();
    expect(items.length).toBe(15);
    const sample = fc.sample(fc.tuple(profile, policy), { numRuns: ROUNDS, seed: SEED });
    for (const [i, one] of [FIRST, ...sample].entries()) {
      const [selection, rules] = one;
      // the same title twice would be no change
      const profiles = { p: { ...selection, title: `round ${i}` } };
      const applied = gateway.logs.length;
      await writeFile(gateway.configPath, stringify({ ...base, profiles, ...(rules && { policy: rules }) }));
      await expect
        .poll(() => gateway.logs.slice(applied).some(({ msg }) => msg === 'config applied'), { timeout: 10_000 })
        .toBe(true);
      const lists: string[][] = [];
      for (const era of ERAS) {
        const prober = await probe(era, `${gateway.url}/p`);
        const listed = await prober.listed();
        lists.push(listed);
        expect(listed.filter((item) => !items.includes(item))).toEqual([]);
        for (const item of items) {
          const nothing = await prober.use(`${item.slice(0, item.indexOf(' '))} never:///x`);
          expect([one, era, item, await prober.use(item)]).toEqual([
            one,
            era,
            item,
            listed.includes(item) ? 'ok' : nothing,
          ]);
        }
      }
      expect(lists[1]).toEqual(lists[0]);
      if (i === 0) expect(lists[0]).toEqual(['tools docs__read', 'resources docs:///open']);
    }
  } finally {
    await gateway.stop();
    await docs.close();
    await files.close();
  }
});
