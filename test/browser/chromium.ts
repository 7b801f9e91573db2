/** A real browser without a window, for tests of pages and of signing in. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';

export type { Browser, Page } from 'playwright-core';

/** Opens a page in a context of its own, without cookies, that is closed when the test is over. */
export type OpenPage = (options?: BrowserContextOptions) => Promise<Page>;

/** Debian's browser, or the one that `CHROMIUM` names. */
const PATH = process.env.CHROMIUM ?? '/usr/bin/chromium';
const MISSING = `no browser at ${PATH}: apt-get install chromium, or set CHROMIUM to where one is`;
/** For a test with a browser, and for its start, on a machine that is busy with other tests, milliseconds. */
export const PATIENCE = 60_000;
/** Nothing but what a page asks for goes over the network. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts it with an empty profile, which goes when it is closed.
 * @throws Error that says which package is missing
 */
export async function launchBrowser(): Promise<Browser> {
  if (!existsSync(PATH)) throw new Error(MISSING);
  return chromium.launch({ executablePath: PATH, headless: true, chromiumSandbox: false, args: QUIET });
}

/**
 * Tests that share one browser. On a machine without one they are skipped, and it is said what to install; where
 * `CI` is set they fail instead.
 */
export function describeInBrowser(name: string, tests: (open: OpenPage) => void): void {
  const missing = !existsSync(PATH) && !process.env.CI;
  if (missing) process.stderr.write(`${name}: skipped, ${MISSING}\n`);
  describe.skipIf(missing)(name, { timeout: PATIENCE }, () => {
    let browser: Browser | undefined;
    const contexts: BrowserContext[] = [];
    beforeAll(async () => {
      browser = await launchBrowser();
    }, PATIENCE);
    afterEach(async () => {
      for (const context of contexts.splice(0)) await context.close();
    });
    afterAll(() => browser?.close());
    tests(async (options) => {
      const context = await browser!.newContext(options);
      contexts.push(context);
      return context.newPage();
    });
  });
}
