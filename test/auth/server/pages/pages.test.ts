/** The pages as documents: whatever they are given, they consist of the same elements. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consentPage } from '../../../../src/auth/server/pages/consent.ts';
import { donePage } from '../../../../src/auth/server/pages/done.ts';
import { errorPage } from '../../../../src/auth/server/pages/error.ts';
import { Html, html } from '../../../../src/auth/server/pages/escape.ts';
import { leavePage } from '../../../../src/auth/server/pages/leave.ts';
import type { ClientView, ConsentModel, SignInModel } from '../../../../src/auth/server/pages/model.ts';
import { signInPage } from '../../../../src/auth/server/pages/sign-in.ts';
import { CHATGPT, CLAUDE, CODE, consentModel, SAMPLES, signInModel } from '../../../browser/samples.ts';

/** Every tag with the names of its attributes: what a browser makes elements of. */
const skeleton = (page: string): string[] => {
  const body = page.replace(/<style>[\s\S]*?<\/style>/, '');
  const tags = [...body.matchAll(/<(\/?[a-z][a-z0-9]*|!doctype)((?:[^>"]|"[^"]*")*)>/gi)];
  // between the tags there is none that the expression did not see
  expect(body.replace(/<(\/?[a-z][a-z0-9]*|!doctype)((?:[^>"]|"[^"]*")*)>/gi, '')).not.toMatch(/[<>]/);
  return tags.map(([, tag, attributes = '']) =>
    [tag, ...[...attributes.matchAll(/([^\s="]+)(?:="[^"]*")?/g)].map(([, name]) => name)].join(' '),
  );
};

/** Texts that mean harm, and any other; not empty, since an empty one leaves things out. */
const hostile = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '`', '=', '/', ' ', 'x', '\0', '${', '</style>') }),
    fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "' autofocus onfocus=alert(1) x='",
      '</title></style></textarea><svg onload=alert(1)>',
      '<!--',
      ']]>',
      '&lt;script&gt;',
      '\ud800<',
    ),
  )
  .map((text) => `x${text}`);

const client: fc.Arbitrary<ClientView> = fc.record({
  name: hostile,
  host: fc.oneof(fc.constant(undefined), hostile, fc.domain()),
  uri: hostile,
  verified: fc.boolean(),
});

/** What nothing that a client says may add to, take away or change. */
const controls = (tags: readonly string[]): string[] =>
  tags.filter((tag) => /^(form|input|button|h1|h2|label) /.test(tag));

const expectNothingAdded = (page: string, plain: readonly string[]): void => {
  const tags = skeleton(page);
  expect(controls(tags)).toEqual(controls(plain));
  expect([...new Set(tags)].filter((tag) => !known.has(tag))).toEqual([]);
};

/** Everything that pages with harmless contents consist of. */
const known = new Set(Object.values(SAMPLES).flatMap(({ body }) => skeleton(body!)));

describe('no markup gets through', () => {
  test('on the sign-in page', () => {
    const federation = { name: 'Plain', action: '/x' };
    const plain = skeleton(signInPage(signInModel({ user: 'ada', problem: 'Plain.', federation })));
    const models: fc.Arbitrary<SignInModel> = fc.record({
      action: hostile,
      csrf: hostile,
      client,
      user: hostile,
      problem: hostile,
      federation: fc.record({ name: hostile, action: hostile }),
      passwords: fc.constant(true),
    });
    fc.assert(
      fc.property(models, (model) => expectNothingAdded(signInPage(model), plain)),
      { numRuns: 1_000 },
    );
  });

  test('on the consent page', () => {
    const plain = skeleton(consentPage(consentModel()));
    const models: fc.Arbitrary<ConsentModel> = fc.record({
      action: hostile,
      csrf: hostile,
      client,
      user: hostile,
      scopes: fc.array(fc.record({ name: hostile, text: hostile })),
      redirect: fc.record({ host: hostile, loopback: fc.boolean(), uri: fc.oneof(hostile, fc.webUrl()) }),
      resource: hostile,
    });
    fc.assert(
      fc.property(models, (model) => expectNothingAdded(consentPage(model), plain)),
      { numRuns: 1_000 },
    );
  });

  test('on the pages for errors and ends', () => {
    const plain = skeleton(errorPage({ title: 'Plain', text: 'Plain', mend: 'Plain' }));
    const end = skeleton(donePage({ title: 'Plain', text: 'Plain' }));
    fc.assert(
      fc.property(hostile, hostile, hostile, (title, text, mend) => {
        expect(skeleton(errorPage({ title, text, mend }))).toEqual(plain);
        expect(skeleton(donePage({ title, text }))).toEqual(end);
      }),
    );
  });
});

test('a value is escaped wherever it stands, and markup is not escaped twice', () => {
  const value = `<&>"'`;
  expect(html`<a title="${value}">${value}</a>`.toString()).toBe(
    '<a title="&lt;&amp;&gt;&quot;&#39;">&lt;&amp;&gt;&quot;&#39;</a>',
  );
  expect(html`${[html`<b>${1}</b>`, undefined, false, ['<']]}`.toString()).toBe('<b>1</b>&lt;');
  expect(html`x`).toBeInstanceOf(Html);
});

describe('the page that hands over to an app', () => {
  test('leads there at once, and by a link', () => {
    const page = leavePage({ uri: 'com.example.app:/callback?code=a&state="><b>' });
    const to = 'com.example.app:/callback?code=a&amp;state=%22%3E%3Cb%3E';
    expect(page).toContain(`<meta http-equiv="refresh" content="0;url=${to}">`);
    expect(page).toContain(`href="${to}"`);
  });

  test.each(['https://example.com/', 'http://127.0.0.1/', 'javascript:alert(1)', 'data:text/html,x', 'x', ''])(
    'leads not to %j',
    (uri) => {
      expect(() => leavePage({ uri })).toThrow(TypeError);
    },
  );

  test('gets no markup from an address', () => {
    const plain = skeleton(leavePage({ uri: 'app:/' }));
    fc.assert(
      fc.property(hostile, (text) => {
        const uri = `app:/${text}`;
        if (URL.canParse(uri)) expect(skeleton(leavePage({ uri }))).toEqual(plain);
      }),
    );
  });
});

describe('what is said', () => {
  const words = (page: string): string =>
    page.replace(/<(style|title)>[\s\S]*?<\/\1>|<[^>]*>/g, ' ').replace(/\s+/g, ' ');

  test('of a name that nobody vouches for', () => {
    expect(words(consentPage(consentModel({ client: CHATGPT })))).toContain(
      'It calls itself ChatGPT chatgpt.com Name not verified: any app can choose it.',
    );
  });

  test('of one that its host vouches for', () => {
    const page = words(signInPage(signInModel({ client: CLAUDE })));
    expect(page).toContain('Claude claude.ai Name confirmed by this address.');
    expect(page).not.toMatch(/calls itself|not verified/);
  });

  test('of a program on this computer, verified or not', () => {
    const redirect = { host: '127.0.0.1:33418', loopback: true, uri: 'http://127.0.0.1:33418/' };
    for (const client of [CODE, CLAUDE]) {
      const page = words(consentPage(consentModel({ client, redirect })));
      expect(page).toContain('A program on this computer asks. Patchbay cannot tell which one.');
      expect(page).toContain('you go back to a program on this computer');
    }
    expect(words(signInPage(signInModel({ client: CODE })))).toContain('A program on this computer');
  });

  test('of an app that a scheme leads to', () => {
    const redirect = { host: 'anysphere.cursor-mcp', loopback: false, uri: 'cursor://anysphere.cursor-mcp/callback' };
    const page = words(consentPage(consentModel({ client: { ...CHATGPT, host: undefined }, redirect })));
    expect(page).toContain('An app on this device asks. Patchbay cannot tell which one.');
    expect(page).not.toContain('<b>anysphere');
  });

  test('of where the answer goes, when that is another host', () => {
    const redirect = { host: 'callback.example', loopback: false, uri: 'https://callback.example/back' };
    expect(words(consentPage(consentModel({ client: CLAUDE, redirect })))).toMatch(
      /Claude claude\.ai .* you go back to callback\.example/,
    );
  });

  test('of a client without a name', () => {
    expect(words(signInPage(signInModel({ client: { ...CHATGPT, name: '✅' } })))).toContain(
      'An app without a name chatgpt.com It does not say what it is called.',
    );
  });

  test('nothing of a password where there is none to type', () => {
    const page = signInPage(signInModel({ passwords: false, federation: { name: 'Example Corp', action: '/f' } }));
    expect(page).not.toMatch(/password/i);
    expect(words(page)).toContain('Continue with Example Corp');
  });
});
