/** The headers of a page, above all what the browser may do with it (Content Security Policy 3). */
import { STYLE_HASH } from './layout.ts';
import { isRunnable } from './schemes.ts';

/** Where the forms of a page may lead to, other than back here. */
export interface Leads {
  /** The redirect URI of the client that the answer goes to. */
  readonly redirectUri?: string | undefined;
  /** A URL of the provider that signs users in, when a form leads there. */
  readonly provider?: string | undefined;
}

/**
 * Hosts that pass the answer on to an app of this device, with the schemes of those apps. Browsers hold each address that
 * a form leads to against the policy, also those that come after the redirect URI.
 */
const RELAYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['vscode.dev', ['vscode:', 'vscode-insiders:']],
  ['www.cursor.com', ['cursor:']],
  ['insiders.vscode.dev', ['vscode:', 'vscode-insiders:']],
]);

/**
 * The headers that every page is sent with. The opener is kept, since hosts open these pages in a window that later tells
 * the first one that it is done; a referrer is sent to this origin alone, without which browsers would leave out the
 * origin of a form as well.
 * @param leads for pages with forms
 */
export function pageHeaders(leads?: Leads): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(leads),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'unsafe-none',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    'cache-control': 'no-store',
  };
}

/** @param leads for pages with forms; without it, no form can be sent */
export function contentSecurityPolicy(leads?: Leads): string {
  return [
    "default-src 'none'",
    `style-src '${STYLE_HASH}'`,
    `form-action ${leads ? formAction(leads) : "'none'"}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** Clients and providers send the browser on to other hosts of theirs, which nobody can list: all of https has to do. */
function formAction({ redirectUri, provider }: Leads): string {
  const sources = new Set(["'self'"]);
  for (const url of [redirectUri, provider]) {
    const parsed = url === undefined ? null : URL.parse(url);
    if (parsed) for (const source of sourcesOf(parsed)) sources.add(source);
  }
  return [...sources].join(' ');
}

function sourcesOf({ protocol, hostname, host }: URL): readonly string[] {
  if (isRunnable(protocol)) return [];
  if (protocol === 'https:') return ['https:', ...(RELAYS.get(hostname) ?? [])];
  if (protocol !== 'http:') return [protocol];
  // sources have no form for IPv6 addresses, and a host can hold what ends a directive
  return [/^[a-z0-9.-]+$/.test(hostname) ? `http://${host}` : 'http:', 'https:'];
}
