/** Pages as users meet them, the friendly ones and those with the longest and worst that a client may say. */
import { consentPage } from '../../src/auth/server/pages/consent.ts';
import { type Leads, pageHeaders } from '../../src/auth/server/pages/csp.ts';
import { donePage } from '../../src/auth/server/pages/done.ts';
import { errorPage } from '../../src/auth/server/pages/error.ts';
import { leavePage } from '../../src/auth/server/pages/leave.ts';
import type { ClientView, ConsentModel, SignInModel } from '../../src/auth/server/pages/model.ts';
import { signInPage } from '../../src/auth/server/pages/sign-in.ts';
import { waitPage } from '../../src/auth/server/pages/wait.ts';
import type { Served } from './page-server.ts';

export const CLAUDE: ClientView = { name: 'Claude', host: 'claude.ai', uri: 'https://claude.ai/', verified: true };
export const CURSOR: ClientView = { name: 'Cursor', host: undefined, uri: 'https://cursor.com', verified: false };
export const CODE: ClientView = {
  name: 'Claude Code (weather)',
  host: '127.0.0.1:33418',
  uri: undefined,
  verified: false,
};
export const CHATGPT: ClientView = {
  name: 'ChatGPT',
  host: 'chatgpt.com',
  uri: 'https://chatgpt.com/',
  verified: false,
};
export const WORST: ClientView = {
  name: `${'W'.repeat(45)} <b>✅ Verified by Patchbay</b> \u202egnihton\u202c ${'é̂̃̄'.repeat(30)}`,
  host: `accounts.example.com.${'a-very-long-label-of-a-host-name-that-goes-on-and-on.'.repeat(3)}evil.example`,
  uri: `https://evil.example/${'x'.repeat(900)}`,
  verified: false,
};

export const signInModel = (changes: Partial<SignInModel> = {}): SignInModel => ({
  action: '/post',
  csrf: 'csrf-token',
  client: CHATGPT,
  passwords: true,
  ...changes,
});

export const consentModel = (changes: Partial<ConsentModel> = {}): ConsentModel => ({
  action: '/post',
  csrf: 'csrf-token',
  client: CHATGPT,
  user: 'ada',
  scopes: [{ name: 'mcp', text: 'Use all tools, prompts and resources that you may use here' }],
  redirect: { host: 'chatgpt.com', loopback: false, uri: 'https://chatgpt.com/connector_platform_oauth_redirect' },
  resource: 'https://mcp.example.com/mcp',
  ...changes,
});

const page = (body: string, leads?: Leads): Served => ({ headers: pageHeaders(leads), body });
const signIn = (changes?: Partial<SignInModel>): Served => page(signInPage(signInModel(changes)), {});
const consent = (changes?: Partial<ConsentModel>): Served => {
  const model = consentModel(changes);
  return page(consentPage(model), { redirectUri: model.redirect.uri });
};

/** By a short name, which is also the path that tests serve them at. */
export const SAMPLES: Readonly<Record<string, Served>> = {
  'sign-in': signIn(),
  'sign-in-wrong': signIn({ user: 'ada', problem: 'The user name or the password is wrong.' }),
  'sign-in-federated': signIn({ federation: { name: 'Example Corp', action: '/post' }, client: CODE }),
  'sign-in-provider-alone': signIn({
    federation: { name: 'Example Corp', action: '/post' },
    passwords: false,
    client: CLAUDE,
  }),
  'sign-in-worst': signIn({
    client: WORST,
    user: 'u'.repeat(200),
    problem: `Too many attempts. Try again in 10 minutes. ${'x'.repeat(120)}`,
    federation: { name: 'W'.repeat(80), action: '/post' },
  }),
  consent: consent(),
  'consent-document': consent({
    client: CLAUDE,
    redirect: { host: 'claude.ai', loopback: false, uri: 'https://claude.ai/api/mcp/auth_callback' },
  }),
  'consent-loopback': consent({
    client: CODE,
    redirect: { host: '127.0.0.1:33418', loopback: true, uri: 'http://127.0.0.1:33418/callback' },
  }),
  'consent-app': consent({
    client: CURSOR,
    scopes: [
      { name: 'files:read', text: 'Read files' },
      { name: 'files:write', text: 'Change files' },
      { name: 'openid', text: 'Know who you are' },
    ],
    redirect: { host: 'anysphere.cursor-mcp', loopback: false, uri: 'cursor://anysphere.cursor-mcp/oauth/callback' },
  }),
  'consent-worst': consent({
    client: WORST,
    user: `${'u'.repeat(200)}@example.com`,
    scopes: [
      { name: 's'.repeat(100), text: 'x'.repeat(200) },
      ...Array.from({ length: 12 }, (_, i) => ({
        name: `scope:${i}`,
        text: `Do the thing that is number ${i} of many`,
      })),
    ],
    redirect: { host: WORST.host!, loopback: false, uri: `https://${WORST.host}/${'callback/'.repeat(90)}` },
    resource: `https://mcp.example.com/${'p'.repeat(200)}`,
  }),
  error: page(
    errorPage({
      title: 'This page has expired',
      text: 'It was opened too long ago, or in another browser.',
      mend: 'Go back to your app and connect again.',
    }),
  ),
  wait: page(waitPage(840)),
  away: page(
    errorPage({
      title: 'You are not signed in',
      text: 'Example Corp cannot be reached now.',
      mend: 'Try again in a moment. If it stays so, tell those who run this server.',
      way: { label: 'Back to the sign-in', href: '/sign-in-federated' },
    }),
  ),
  leave: page(leavePage({ uri: 'cursor://anysphere.cursor-mcp/oauth/callback?code=1&state=2' })),
  done: page(donePage({ title: 'You are signed out', text: 'You can close this window.' })),
};
