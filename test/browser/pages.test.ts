/// <reference lib="dom" />
/** The pages in a real browser: how they look on a phone and a desktop, and who can use them. */
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeInBrowser, PATIENCE, type Page } from './chromium.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { SAMPLES } from './samples.ts';

const SIZES = [
  { width: 320, height: 640 },
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
] as const;
const SCHEMES = ['light', 'dark'] as const;
const NAMES = Object.keys(SAMPLES);
/** There are no frames, so that axe can do without a page of its own (its legacy mode). */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let server: PageServer;

beforeAll(async () => {
  server = await startPageServer();
  for (const [name, served] of Object.entries(SAMPLES)) server.serve(`/${name}`, served);
  server.serve('/post', { headers: { 'content-type': 'text/plain' }, body: 'posted' });
});

afterAll(() => server?.close());

/** Waits until a field has the focus, which it gets some time after the page is there. */
const focused = (page: Page, id: string): Promise<void> =>
  expect.poll(() => page.evaluate(() => document.activeElement?.id), { timeout: PATIENCE / 2 }).toBe(id);

/** What lies outside the window, is cut off, or lies over something else. */
const faultsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const faults: string[] = [];
    const name = (element: Element) => `${element.tagName.toLowerCase()} ${element.textContent?.trim().slice(0, 30)}`;
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth > clientWidth) faults.push(`the page is ${scrollWidth} wide`);
    const boxes: [Element, DOMRect][] = [];
    for (const element of document.querySelectorAll('body *')) {
      const box = element.getBoundingClientRect();
      if (box.width === 0 || box.height === 0 || !element.checkVisibility() || element.matches('svg *')) continue;
      if (box.left < 0 || box.right > clientWidth + 0.5) faults.push(`${name(element)} is outside`);
      if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && element.tagName !== 'INPUT')
        faults.push(`${name(element)} is too narrow`);
      const leaf = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
      if (leaf || /^(input|button|svg)$/i.test(element.tagName)) boxes.push([element, box]);
    }
    boxes.forEach(([a, one], i) => {
      for (const [b, other] of boxes.slice(i + 1)) {
        if (a.contains(b) || b.contains(a)) continue;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (across > 0.5 && down > 0.5) faults.push(`${name(a)} lies over ${name(b)}`);
      }
    });
    return faults;
  });

describeInBrowser('pages', (open) => {
  describe.each(SIZES)('$width × $height', (viewport) => {
    test.each(SCHEMES)(
      '%s: nothing scrolls sideways, overlaps or is cut off, and axe finds nothing',
      async (colorScheme) => {
        const page = await open({ viewport, colorScheme });
        const ground = new Set<string>();
        for (const name of NAMES) {
          await page.goto(`${server.url}/${name}`);
          for (const details of await page.locator('summary').all()) await details.click();
          expect.soft(await faultsOf(page), name).toEqual([]);
          const { violations } = await new AxeBuilder({ page }).withTags(RULES).setLegacyMode().analyze();
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
          expect.soft(found, name).toEqual([]);
          ground.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        }
        expect([...ground]).toEqual([colorScheme === 'light' ? 'rgb(243, 245, 248)' : 'rgb(14, 17, 22)']);
      },
      60_000,
    );
  });

  test('text of twice the size fits on a phone', async () => {
    const page = await open({ viewport: { width: 320, height: 640 } });
    for (const name of NAMES) {
      await page.goto(`${server.url}/${name}`);
      await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
      expect.soft(await faultsOf(page), name).toEqual([]);
    }
  });

  test('targets are 24 pixels at least, and those of the decision 44', async () => {
    const page = await open({ viewport: { width: 320, height: 640 } });
    const small: string[] = [];
    for (const name of NAMES) {
      await page.goto(`${server.url}/${name}`);
      for (const target of await page.locator('button, a, input:not([type=hidden]), summary').all()) {
        const { width = 0, height = 0 } = (await target.boundingBox()) ?? {};
        const least = (await target.getAttribute('class'))?.match(/main|other/) ? 44 : 24;
        if (Math.min(width, height) < least) small.push(`${name}: ${await target.innerText()} ${width}×${height}`);
      }
    }
    expect(small).toEqual([]);
  });

  // the browser opens no app before somebody has clicked
  const STAYS = NAMES.filter((name) => name !== 'leave');

  test('nothing is fetched but the page, and the browser finds nothing that the policy forbids', async () => {
    const page = await open();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    const before = server.asked.length;
    for (const name of STAYS) await page.goto(`${server.url}/${name}`);
    expect(said).toEqual([]);
    const asked = server.asked.slice(before).filter((line) => line !== 'GET /favicon.ico');
    expect(asked).toEqual(STAYS.map((name) => `GET /${name}`));
  });

  test('script would not run even if there were any', async () => {
    const page = await open();
    const { headers, body } = SAMPLES.consent!;
    server.serve('/injected', {
      headers: headers!,
      body: body!.replace('<h1>', '<script>document.title="ran"</script><h1>'),
    });
    await page.goto(`${server.url}/injected`);
    expect(await page.title()).toBe('Allow access? · Patchbay');
  });

  test('no other page can frame it', async () => {
    const page = await open();
    server.serve('/frame', { headers: { 'content-type': 'text/html' }, body: '<iframe src="/consent"></iframe>' });
    await page.goto(`${server.url}/frame`);
    const frame = page.frames()[1]!;
    await frame.waitForLoadState();
    expect(await frame.locator('button').count()).toBe(0);
  });

  describe('what is heard', () => {
    test('on the sign-in page', async () => {
      const page = await open();
      await page.goto(`${server.url}/sign-in`);
      expect(await page.locator('body').ariaSnapshot()).toBe(
        [
          '- banner: Patchbay',
          '- main:',
          '  - heading "Sign in" [level=1]',
          '  - paragraph: An app wants to connect. Go on only if you started this yourself.',
          '  - region "The app that wants to connect":',
          '    - paragraph: It calls itself',
          '    - paragraph: ChatGPT',
          '    - paragraph: chatgpt.com',
          '    - paragraph: "Name not verified: any app can choose it."',
          '  - text: User name',
          '  - textbox "User name"',
          '  - text: Password',
          '  - textbox "Password"',
          '  - button "Sign in"',
          '- contentinfo:',
          '  - paragraph: The app does not get to see your password.',
        ].join('\n'),
      );
    });

    test('the problem is announced, and belongs to the fields', async () => {
      const page = await open();
      await page.goto(`${server.url}/sign-in-wrong`);
      expect(await page.title()).toBe('Not signed in · Patchbay');
      expect(await page.getByRole('alert').innerText()).toBe('The user name or the password is wrong.');
      for (const label of ['User name', 'Password']) {
        const field = page.getByLabel(label, { exact: true });
        expect(await field.getAttribute('aria-invalid')).toBe('true');
        const describedBy = await field.getAttribute('aria-describedby');
        expect(await page.locator(`#${describedBy}`).innerText()).toBe('The user name or the password is wrong.');
      }
      await focused(page, 'password');
    });

    test('password managers find the fields', async () => {
      const page = await open();
      await page.goto(`${server.url}/sign-in`);
      expect(await page.getByLabel('User name').getAttribute('autocomplete')).toBe('username');
      expect(await page.getByLabel('Password').getAttribute('autocomplete')).toBe('current-password');
    });
  });

  describe('with the keyboard alone', () => {
    /** What has the focus, after each press of Tab; the focus can be seen each time. */
    const tabs = async (page: Page, presses: number): Promise<string[]> => {
      const order: string[] = [];
      for (let i = 0; i < presses; i++) {
        await page.keyboard.press('Tab');
        const { name, seen } = await page.evaluate(() => {
          const element = document.activeElement as HTMLElement;
          const style = getComputedStyle(element);
          return {
            name: element.id || element.innerText,
            seen: style.outlineStyle === 'solid' && Number.parseFloat(style.outlineWidth) >= 2,
          };
        });
        order.push(seen ? name : `${name} (focus not visible)`);
      }
      return order;
    };

    test('one signs in', async () => {
      const page = await open();
      await page.goto(`${server.url}/sign-in`);
      await focused(page, 'login');
      await page.keyboard.type('ada');
      expect(await tabs(page, 1)).toEqual(['password']);
      await page.keyboard.type('correct horse & <battery>');
      const before = server.posted.length;
      await page.keyboard.press('Enter');
      await page.waitForURL('**/post');
      expect(server.posted.slice(before)).toEqual([
        {
          path: '/post',
          origin: server.url,
          fields: [
            ['csrf', 'csrf-token'],
            ['login', 'ada'],
            ['password', 'correct horse & <battery>'],
          ],
        },
      ]);
    });

    test('the focus goes down the page', async () => {
      const page = await open();
      await page.goto(`${server.url}/sign-in-federated`);
      expect(await tabs(page, 4)).toEqual(['Continue with Example Corp', 'login', 'password', 'Sign in']);
      await page.goto(`${server.url}/consent`);
      expect(await tabs(page, 4)).toEqual(['Use another account', 'Allow', 'Deny', 'Technical details']);
    });

    test('Enter alone decides nothing', async () => {
      const page = await open();
      await page.goto(`${server.url}/consent`);
      const before = server.posted.length;
      await page.keyboard.press('Enter');
      await page.keyboard.press('Space');
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
      await page.goto(`${server.url}/error`);
      expect(server.posted.slice(before)).toEqual([]);
    });

    test.each([
      ['other', 1],
      ['allow', 2],
      ['deny', 3],
    ])('one decides: %s', async (decision, presses) => {
      const page = await open();
      await page.goto(`${server.url}/consent`);
      await tabs(page, presses);
      const before = server.posted.length;
      await page.keyboard.press(decision === 'deny' ? 'Space' : 'Enter');
      await page.waitForURL('**/post');
      expect(server.posted.slice(before).map(({ fields }) => fields)).toEqual([
        [
          ['csrf', 'csrf-token'],
          ['decision', decision],
        ],
      ]);
    });
  });

  test('an empty name or password is not sent', async () => {
    const page = await open();
    await page.goto(`${server.url}/sign-in`);
    const before = server.posted.length;
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('User name').fill('ada');
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('password');
    expect(server.posted.slice(before)).toEqual([]);
  });

  test('going on with the provider sends what proves that the form is ours, and nothing else', async () => {
    const page = await open();
    await page.goto(`${server.url}/sign-in-provider-alone`);
    const before = server.posted.length;
    await page.getByRole('button', { name: 'Continue with Example Corp' }).click();
    await page.waitForURL('**/post');
    expect(server.posted.slice(before).map(({ fields }) => fields)).toEqual([[['csrf', 'csrf-token']]]);
  });
});
