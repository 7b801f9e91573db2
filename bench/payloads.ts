/**
 * Benchmarks of what is large: results of 1 MB and 10 MB, arguments of 1 MB, calls with a hundred notifications, lists of
 * five thousand tools.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { type Comparison, comparison } from './benchmark.ts';
import { productionConfig, startIssuer } from './production.ts';
import type { Goal } from './report.ts';
import { PRODUCTION, PROXY } from './small-call.ts';
import { startByteProxy, startPatchbay, startStatic, startUpstream } from './targets.ts';
import type { Load } from './windows.ts';

const MB = 1_000_000;
const TOOLS = 5_000;
const SMALL: Load = { seconds: 1, warmup: 0.3, connections: 4, inFlight: 4, bytes: 200 };

interface Asked {
  readonly goal?: Goal;
  readonly sets?: number;
}

/** Patchbay with everything on, against the byte proxy. */
const againstProxy = (name: string, load: Partial<Load>, { goal, sets }: Asked = {}): Comparison => ({
  name,
  ...(sets !== undefined && { sets }),
  load: { ...SMALL, ...load },
  async contenders(stack, cli) {
    const { url } = stack.use(await startUpstream());
    const issuer = stack.use(await startIssuer());
    const config = productionConfig(issuer);
    return [
      { name: PROXY, start: () => startByteProxy(url), load: { token: issuer.token } },
      { name: PRODUCTION, start: () => startPatchbay({ url }, { cli, config }), load: { token: issuer.token } },
    ];
  },
  ratios: [[PRODUCTION, PROXY, goal]],
});

export const result1mb = comparison(againstProxy('result-1mb', { bytes: MB, seconds: 2 }, { goal: { atMost: 1.2 } }));
export const result10mb = comparison(
  againstProxy('result-10mb', { bytes: 10 * MB, seconds: 3, connections: 2, inFlight: 2 }),
);
export const arguments1mb = comparison(againstProxy('arguments-1mb', { ballast: MB, seconds: 2 }, { sets: 1 }));
export const notifications = comparison(
  againstProxy('notifications', { tool: 'notify', count: 100, seconds: 2 }, { sets: 1 }),
);

const STATIC = 'static buffer';

export const longList = comparison({
  name: 'list-5000',
  load: { ...SMALL, tool: 'list', tools: TOOLS, seconds: 2 },
  async contenders(stack, cli) {
    // those that do something are tools, too
    const { url } = stack.use(await startUpstream({ tools: TOOLS - 4 }));
    const issuer = stack.use(await startIssuer());
    const config = productionConfig(issuer);
    const load = { token: issuer.token };
    const folder = await mkdtemp(join(tmpdir(), 'patchbay-bench-list-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'list.json');
    {
      // what Patchbay lists, to the byte
      await using once = await startPatchbay({ url }, { cli });
      await writeFile(file, await listOf(once.url));
    }
    return [
      { name: STATIC, start: () => startStatic(file), load },
      { name: PRODUCTION, start: () => startPatchbay({ url }, { cli, config }), load },
    ];
  },
  ratios: [[PRODUCTION, STATIC, { atMost: 1.5 }]],
});

/** The text of the result of `tools/list`, once all tools are there. */
async function listOf(url: string): Promise<string> {
  const { openSession } = await import('./session.ts');
  const pool = new Pool(new URL(url).origin);
  const session = await openSession(pool, '/mcp', { suffix: 'echo', era: 'legacy' });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
  const answer = await pool.request({ method: 'POST', path: '/mcp', headers: session.headers, body });
  const text = await answer.body.text();
  await pool.destroy();
  return JSON.stringify((JSON.parse(text) as { result: object }).result);
}
