/** What browsers are allowed to do with a page. That they agree is tested in test/browser. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentSecurityPolicy, pageHeaders } from '../../../../src/auth/server/pages/csp.ts';
import { donePage } from '../../../../src/auth/server/pages/done.ts';

const formAction = (policy: string): string | undefined => /(?:^|; )form-action ([^;]*)/.exec(policy)?.[1];

test('the style sheet in a page is the one that the policy allows', () => {
  const [, sheet = ''] = /<style>([\s\S]*?)<\/style>/.exec(donePage({ title: 'Done', text: 'Over.' })) ?? [];
  expect(sheet).not.toBe('');
  expect(contentSecurityPolicy()).toContain(`style-src 'sha256-${hash('sha256', sheet, 'base64')}'`);
});

test('nothing else is loaded, run or framed', () => {
  const policy = contentSecurityPolicy().split('; ');
  expect(policy).toEqual([
    "default-src 'none'",
    expect.stringMatching(/^style-src 'sha256-[A-Za-z0-9+/]{43}='$/),
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]);
});

test('the window that opened a page can be told that it is done, and nobody keeps or frames it', () => {
  expect(pageHeaders()).toMatchObject({
    'cross-origin-opener-policy': 'unsafe-none',
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
  });
});

describe('forms lead', () => {
  test.each([
    ['back here alone', undefined, "'self'"],
    ['to a host and on to others of it', 'https://claude.ai/api/mcp/auth_callback', "'self' https:"],
    ['to a program on this computer', 'http://127.0.0.1:33418/callback', "'self' http://127.0.0.1:33418 https:"],
    ['to one at an address that no source can name', 'http://[::1]:33418/', "'self' http: https:"],
    ['to an app', 'cursor://anysphere.cursor-mcp/oauth/callback', "'self' cursor:"],
    ['through a host to its app', 'https://vscode.dev/redirect', "'self' https: vscode: vscode-insiders:"],
    ['to no script', 'javascript:alert(1)', "'self'"],
    ['to no document made up on the way', 'data:text/html,x', "'self'"],
    ['nowhere that is no URL', 'not a URL', "'self'"],
    ['nowhere through names of the language', 'https://constructor/', "'self' https:"],
  ])('%s: %s', (_where, redirectUri, sources) => {
    expect(formAction(contentSecurityPolicy({ redirectUri }))).toBe(sources);
  });

  test('to the provider', () => {
    expect(formAction(contentSecurityPolicy({ provider: 'https://login.example.com/' }))).toBe("'self' https:");
    const local = contentSecurityPolicy({ provider: 'http://127.0.0.1:4000', redirectUri: 'cursor://x/' });
    expect(formAction(local)).toBe("'self' cursor: http://127.0.0.1:4000 https:");
  });

  test('whatever a redirect URI holds, it adds no directive and no quoted source', () => {
    const uri = fc.oneof(
      fc.webUrl(),
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.constantFrom('https://', 'http://', 'x-app://', 'a+b.c:'), fc.string()).map((both) => both.join('')),
      fc.string({ unit: fc.constantFrom(';', ',', "'", '*', 'a', '.') }).map((host) => `http://${host}:1/`),
    );
    fc.assert(
      fc.property(uri, (redirectUri) => {
        const policy = contentSecurityPolicy({ redirectUri });
        expect(policy.split(';')).toHaveLength(5);
        expect(policy).not.toMatch(/[,\r\n*]/);
        expect(formAction(policy)).toMatch(/^'self'( [a-z][a-z0-9+.-]*:| http:\/\/[a-z0-9.-]+(:\d+)?)*$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
