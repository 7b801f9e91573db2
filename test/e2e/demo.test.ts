/** `npm run demo`, as a process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, start } from './cli-process.ts';
import { startDefaultGateway, UPSTREAMS } from './default-gateway.ts';
import { expectNoneMarked, marked } from './processes.ts';

const script = join('scripts', 'demo.ts');

describe('the demo', () => {
  let mark: string;

  beforeAll(async () => {
    mark = await mkdtemp(join(tmpdir(), 'patchbay-demo-'));
  });
  afterAll(() => rm(mark, { recursive: true, force: true }));

  it('starts a gateway on the default config, passes every step and leaves nothing running', async () => {
    const { code, stdout, stderr } = await run([], { script, env: { TMPDIR: mark }, limit: 45_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const steps = stdout.match(/^ {1,2}\d+ {2}\S/gm) ?? [];
    expect(steps).toHaveLength(12);
    expect(stdout).toContain(`\nAll ${steps.length} steps passed.\n`);
    for (const upstream of UPSTREAMS) expect(stdout).toMatch(new RegExp(`^ +${upstream} +[1-9]\\d* `, 'm'));
    await expectNoneMarked(mark);
  }, 60_000);

  it('leaves nothing running when it is stopped half way', async () => {
    const demo = start([], { script, env: { TMPDIR: mark } });
    await expect.poll(() => demo.stdout, { timeout: 10_000 }).toContain('tools/list');
    expect((await marked(mark)).size).toBeGreaterThan(1);
    demo.child.kill();
    expect((await demo.ended).code).toBe(1);
    await expectNoneMarked(mark);
  });
});

describe('the demo against a gateway that runs', () => {
  it('names the step that fails and why, and ends with 1', async () => {
    const { code, stdout } = await run(['http://127.0.0.1:9/mcp'], { script });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\nFailed at step 2, "Connect": .+\n$/);
  });

  it('passes, leaves the knowledge graph as it was and the gateway running', async () => {
    const gateway = await startDefaultGateway();
    try {
      const { code, stdout } = await run([gateway.url], { script, limit: 45_000 });
      expect(stdout).toContain('steps passed.');
      expect(code).toBe(0);
      expect((await fetch(new URL('/healthz', gateway.url))).status).toBe(200);
    } finally {
      expect(await gateway.stop()).toEqual({ code: 0 });
    }
  }, 60_000);
});
