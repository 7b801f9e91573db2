/** The page that asks who you are. */
import { clientPanel, placeOfHost } from './client-panel.ts';
import { type Html, html } from './escape.ts';
import { ICONS, layout } from './layout.ts';
import type { SignInModel } from './model.ts';

/** @returns the whole document */
export function signInPage(model: SignInModel): string {
  const { client, problem, federation, passwords } = model;
  return layout(
    problem === undefined ? 'Sign in' : 'Not signed in',
    html`<h1>Sign in</h1>
<p class="lead">An app wants to connect. Go on only if you started this yourself.</p>
${clientPanel(client, placeOfHost(client.host), 'The app that wants to connect')}
${problem !== undefined && html`<div class="problem" id="problem" role="alert">${ICONS.warning}<p>${problem}</p></div>`}
${federation && federationForm(federation, model.csrf)}
${federation && passwords && html`<p class="or">or with a password</p>`}
${passwords && passwordForm(model)}`,
    { footer: passwords && html`<p>The app does not get to see your password.</p>` },
  );
}

function federationForm({ name, action }: NonNullable<SignInModel['federation']>, csrf: string): Html {
  return html`<form class="sign-in" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<button class="main" type="submit">Continue with ${name}</button>
</form>`;
}

/** After a problem the field to mend has the focus: the password, when the name is there already. */
function passwordForm({ action, csrf, user = '', problem, early, federation }: SignInModel): Html {
  const wrong = problem !== undefined && html`${!early && html` aria-invalid="true"`} aria-describedby="problem"`;
  const focus = html` autofocus`;
  const start = problem !== undefined || !federation;
  return html`<form class="sign-in" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<label for="login">User name</label>
<input id="login" name="login" value="${user}" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="256" required${wrong}${start && user === '' && focus}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required${wrong}${start && user !== '' && focus}>
<button class="${federation ? 'other' : 'main'}" type="submit">Sign in</button>
</form>`;
}
