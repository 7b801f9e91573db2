/** `npm run demo`, as a process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeInBrowser, PATIENCE } from '../browser/chromium.ts';
import { decide } from '../browser/sign-in.ts';
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
    const demo = start([], { script, env: { TMPDIR: mark }, limit: 45_000 });
    await expect.poll(() => demo.stdout, { timeout: 30_000 }).toContain('tools/list');
    expect((await marked(mark)).size).toBeGreaterThan(1);
    demo.child.kill();
    expect((await demo.ended).code).toBe(1);
    await expectNoneMarked(mark);
  }, 60_000);
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
      const env = { PATCHBAY_KEY: gateway.key };
      const { code, stdout } = await run([gateway.url], { script, env, limit: 45_000 });
      expect(stdout).toContain('steps passed.');
      expect(code).toBe(0);
      expect((await fetch(new URL('/healthz', gateway.url))).status).toBe(200);
    } finally {
      expect(await gateway.stop()).toEqual({ code: 0 });
    }
  }, 60_000);
});

describe('the demo with a key that was revoked', () => {
  it('says so', async () => {
    const gateway = await startDefaultGateway();
    try {
      const { code, stdout } = await run([gateway.url], { script, env: { PATCHBAY_KEY: `${gateway.key}x` } });
      expect(stdout).toMatch(/Failed at step 2, "Connect": the key in PATCHBAY_KEY is not taken/);
      expect(code).toBe(1);
    } finally {
      await gateway.stop();
    }
  });
});

describeInBrowser('the first run', (open) => {
  it('leads from the printed password through the browser to every step of the demo', async () => {
    const gateway = await startDefaultGateway();
    try {
      const printed = () => gateway.noise.join('\n');
      await expect.poll(printed, { timeout: PATIENCE / 2 }).toMatch(/password: +\S/);
      const demo = start([gateway.url], { script, env: { PATCHBAY_KEY: '' }, limit: PATIENCE - 5_000 });
      await expect.poll(() => demo.stdout, { timeout: PATIENCE / 2 }).toMatch(/^http\S+$/m);
      const page = await open();
      await page.goto(/^http\S+$/m.exec(demo.stdout)![0]);
      await page.getByLabel('User name').fill(/user: +(\S+)/.exec(printed())![1]!);
      await page.getByLabel('Password').fill(/password: +(\S.*)/.exec(printed())![1]!);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByText('Patchbay demo').first().waitFor();
      await decide(page, 'Allow');
      await page.getByText('The demo goes on').waitFor();
      const { code, stdout } = await demo.ended;
      expect(stdout).toContain('steps passed.');
      expect(code).toBe(0);
    } finally {
      expect(await gateway.stop()).toEqual({ code: 0 });
    }
  });
});
