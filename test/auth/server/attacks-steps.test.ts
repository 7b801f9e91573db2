/** The steps of a person as attackers use them: each belongs to one browser and one question, and is taken once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PASSWORDS } from '../../fixtures/sign-in-gateway.ts';
import { APP, type Attacked, expectSilent, expectTold, startAttacked } from './attacked.ts';
import { type Bench, expectGuarded, expectPage, WEB } from './bench.ts';
import type { Browser, Stop } from './browser.ts';

let attacked: Attacked;
let bench: Bench;
let web: string;
let native: string;
let other: string;
beforeAll(async () => {
  attacked = await startAttacked();
  ({ bench, web, native, other } = attacked);
}, 60_000);
afterAll(() => attacked?.gateway.stop());

describe('steps', () => {
  let browser: Browser;
  beforeEach(() => {
    browser = bench.browser();
  });
  const over = (stop: Stop): void => {
    expectPage(stop);
    expect(stop.html).toContain('This sign-in is over');
  };
  const login = { login: 'ada', password: PASSWORDS.ada };
  const failures = () =>
    attacked.gateway.logs.filter(({ audit }) => audit === 'sign-in' || audit === 'sign-in failed').length;
  const consents = () =>
    attacked.gateway.logs.filter(({ audit }) => audit === 'consent' || audit === 'consent denied').length;

  test('forms without their token, or with that of another step', async () => {
    const elsewhere = browser.form((await browser.go(bench.question(other))).html).fields.csrf!;
    const before = failures();
    const first = await browser.go(bench.question(web));
    const { action, fields } = browser.form(first.html);
    expect(fields.csrf).not.toBe(elsewhere);
    const wrong = [{}, { csrf: '' }, { csrf: 'x' }, { csrf: elsewhere }, { csrf: fields.csrf!.slice(0, -1) }];
    for (const csrf of wrong) over(await browser.send(action, { ...csrf, ...login }));
    const query = new URLSearchParams({ ...fields, ...login });
    expect((await browser.go(`${action}?${query}`)).status).toBe(404);
    expect(failures()).toBe(before);

    const consent = await browser.fill(first, login);
    const { action: decide } = browser.form(consent.html);
    const made = consents();
    for (const csrf of [...wrong, { csrf: fields.csrf! }])
      for (const decision of ['allow', 'deny', 'other']) over(await browser.send(decide, { ...csrf, decision }));
    expect(consents()).toBe(made);
    const { left } = await browser.fill(consent, { decision: 'allow' });
    expect(left?.searchParams.get('code')).toMatch(/./);
  });

  test('forms of other pages', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const before = failures();
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${bench.base}.evil.example`])
      over(await browser.send(action, { ...fields, ...login }, { headers: { origin } }));
    expect(failures()).toBe(before);
    const consent = await browser.fill(stop, login);
    const decide = browser.form(consent.html);
    const made = consents();
    for (const origin of ['https://evil.example', 'null'])
      over(await browser.send(decide.action, { ...decide.fields, decision: 'allow' }, { headers: { origin } }));
    for (const site of ['cross-site', 'same-site'])
      over(
        await browser.send(
          decide.action,
          { ...decide.fields, decision: 'allow' },
          { headers: { origin: bench.base, 'sec-fetch-site': site } },
        ),
      );
    expect(consents()).toBe(made);
  });

  test('finished by another browser', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const stranger = bench.browser();
    over(await stranger.go(action.replace(/\/login$/, '')));
    over(await stranger.send(action, { ...fields, ...login }));
    // nor by one that is at a step of its own
    await stranger.go(bench.question(web));
    over(await stranger.send(action, { ...fields, ...login }));
    // nor by a program that shows the cookies of that step here, and its token
    const own = stranger.form((await stranger.go(bench.question(web))).html);
    for (const csrf of [fields.csrf!, own.fields.csrf!])
      over(await stranger.send(action, { csrf, ...login }, { headers: { cookie: stranger.cookies(own.action) } }));
    const consent = await browser.fill(stop, login);
    const decide = browser.form(consent.html);
    over(await stranger.send(decide.action, { ...decide.fields, decision: 'allow' }));
    over(await stranger.go(decide.action.replace(/\/consent$/, '')));
  });

  test('a password guessed: soon each try has to wait, and the page says how long', async () => {
    let stop = await browser.go(bench.question(web));
    for (let i = 0; stop.status !== 429 && i < 10; i++)
      stop = await browser.fill(stop, { login: 'somebody', password: `guess ${i}` });
    expect(stop.status).toBe(429);
    expect(Number(stop.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(stop.html).toMatch(/Too many attempts\. Try again in \d+ seconds?\./);
    expect(browser.form(stop.html).action).toMatch(/login$/);
    // nothing is wrong with what was typed
    expect(stop.html).not.toContain('aria-invalid="true"');
  });

  test('gone on with by another browser', async () => {
    const stop = await browser.go(bench.question(web));
    const uid = browser.form(stop.html).action.split('/').at(-2);
    expectPage(await bench.browser().go(`/oauth/authorize/${uid}`));
    // the one that began is where it was
    expect((await browser.go(`/oauth/authorize/${uid}`)).html).toContain('name="password"');
  });

  test('taken twice', async () => {
    const stop = await browser.go(bench.question(web));
    const consent = await browser.fill(stop, login);
    over(await browser.fill(stop, login));
    expect((await browser.fill(consent, { decision: 'allow' })).left?.searchParams.get('code')).toMatch(/./);
    over(await browser.fill(consent, { decision: 'allow' }));
    over(await browser.go(browser.form(consent.html).action.replace(/\/consent$/, '')));
  });

  test('left out: there is no consent before somebody is signed in', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    over(await browser.send(action.replace(/login$/, 'consent'), { ...fields, decision: 'allow' }));
    over(await browser.send(action.replace(/login$/, 'provider'), fields));
  });

  test('a client asks each user anew, and a silent question gets no code', async () => {
    const nobody = await browser.go(bench.question(web, { prompt: 'none' }));
    expect(Object.fromEntries(nobody.left!.searchParams)).toMatchObject({ error: 'login_required', iss: bench.base });
    const consent = await bench.toConsent(browser, bench.question(web));
    await browser.fill(consent, { decision: 'allow' });
    const { left } = await browser.go(bench.question(other, { prompt: 'none' }));
    expect(Object.fromEntries(left!.searchParams)).toMatchObject({ error: 'consent_required', iss: bench.base });
    const again = await browser.go(bench.question(other));
    expect(again.html).toContain('value="allow"');
  });

  test('denied: the client is told, with the issuer', async () => {
    const { left } = await browser.fill(await bench.toConsent(browser, bench.question(web)), { decision: 'deny' });
    expect(left?.href.split('?')[0]).toBe(WEB);
    expect(Object.fromEntries(left!.searchParams)).toEqual({
      error: 'access_denied',
      error_description: expect.any(String),
      state: 'a state',
      iss: bench.base,
    });
  });

  test('what a step says that it leads to is what was asked', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const consent = await browser.send(action, {
      ...fields,
      ...login,
      redirect_uri: 'https://evil.example/',
      client_id: other,
    });
    const decide = browser.form(consent.html);
    const query = '?redirect_uri=https%3A%2F%2Fevil.example%2F&client_id=x';
    const { left } = await browser.send(decide.action + query, {
      ...decide.fields,
      decision: 'allow',
      redirect_uri: 'https://evil.example/',
    });
    expect(left?.href.split('?')[0]).toBe(WEB);
  });

  test('fields that are no texts, or too many', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      fetch(new URL(action, bench.base), {
        method: 'POST',
        headers: { 'content-type': type, origin: bench.base },
        body,
      });
    const answers = [
      await post(`csrf=${fields.csrf}&csrf=x&login[]=a&login[]=b&__proto__[x]=1&constructor=1&password=x`),
      await post(''),
      await post('{"csrf":1}', 'application/json'),
      await post('x', 'text/plain'),
      await post(`login=${'x'.repeat(100_000)}`),
    ];
    for (const { status } of answers) expect([400, 413, 415]).toContain(status);
  });
});

test('#171 pages are in no frame of another page, and run nothing', async () => {
  const browser = bench.browser();
  const stop = await browser.go(bench.question(web));
  const wrong = await browser.fill(stop, { login: 'ada', password: 'not it' });
  const consent = await browser.fill(wrong, { login: 'ada', password: PASSWORDS.ada });
  const pages = [
    stop,
    wrong,
    consent,
    await browser.go('/oauth/interaction/none'),
    await browser.go('/oauth/interaction/none/provider'),
    await browser.go('/oauth/federation?state=x'),
    await browser.go('/oauth/authorize/none'),
    await browser.go('/oauth/authorize'),
    await browser.go(bench.question('nobody')),
    await browser.send('/oauth/interaction/none/login', {}),
  ];
  expect(pages.map(({ status }) => status)).toEqual([200, 401, 200, ...Array.from({ length: 7 }, () => 400)]);
  for (const { headers, html } of pages) {
    expectGuarded(headers);
    expect(html).not.toMatch(/<script|\son[a-z]+=|javascript:/i);
  }
  const app = bench.browser();
  const left = await app.fill(await bench.toConsent(app, bench.question(native, { redirect_uri: APP })), {
    decision: 'allow',
  });
  expectGuarded(left.headers);
  expect(left.html).toContain(`content="0;url=${APP}?code=`);
  bench.secrets.add(/code=([^&]+)/.exec(left.html)![1]!);
});

test('what a client calls itself is text on a page', async () => {
  const name = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
  const client = await bench.register([WEB], { client_name: name, client_uri: 'javascript:alert(1)' });
  const { html } = await bench.toConsent(bench.browser(), bench.question(client));
  expect(html).not.toMatch(/<script|<img|javascript:/i);
  expect(html).toContain('&lt;script&gt;');
});

describe('last', () => {
  test('what was refused is in the log, with who and why', () => {
    const reason = (text: RegExp) => expect.stringMatching(text);
    expectTold(attacked.gateway, [
      { fault: 'step', reason: reason(/of another browser/) },
      { fault: 'step', reason: reason(/with its token/) },
      { fault: 'step', reason: reason(/another site/) },
    ]);
  });

  test('no secret is in the log', () =>
    expectSilent(attacked, ['sign-in', 'sign-in failed', 'consent', 'consent denied']));
});
