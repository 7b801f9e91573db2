/** The page that asks whether a client may act for you. */
import { cleanHost, cleanUrl } from './claims.ts';
import { clientPanel, type Place, placeOfHost, placeOfRedirect } from './client-panel.ts';
import { type Html, html } from './escape.ts';
import { ICONS, layout, note } from './layout.ts';
import type { ConsentModel } from './model.ts';

/** @returns the whole document */
export function consentPage(model: ConsentModel): string {
  const { action, csrf, client, user, scopes, redirect, resource } = model;
  const back = placeOfRedirect(redirect.uri, redirect.loopback);
  const place = client.host === undefined ? back : placeOfHost(client.host);
  return layout(
    'Allow access?',
    html`<h1>Allow this app to connect?</h1>
<p class="lead">It asks to use <b>${cleanHost(URL.parse(resource)?.host)}</b> in your name.${back.kind === 'web' && ' Allow it only if you started this yourself.'}</p>
${clientPanel(client, place, 'The app that wants to connect')}
${warning(back)}
<section class="able" aria-labelledby="able">
<h2 id="able">It will be able to</h2>
<ul>
${scopes.map(({ text }) => html`<li>${ICONS.can}<span>${text}</span></li>`)}
</ul>
</section>
<div class="account">
<p>Signed in as <b><bdi>${user}</bdi></b></p>
<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<button class="link" type="submit" name="decision" value="other">Use another account</button>
</form>
</div>
<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<div class="decide">
<button class="main" type="submit" name="decision" value="allow" aria-describedby="back">Allow</button>
<button class="other" type="submit" name="decision" value="deny" aria-describedby="back">Deny</button>
</div>
</form>
<p class="fine" id="back">Either way, you go back to ${back.words}.</p>
${details(model)}`,
    { footer: html`<p>The app does not get to see your password.</p>` },
  );
}

/** What nobody can check for the user: which program of a device listens. */
function warning({ kind }: Place): Html | false {
  if (kind === 'web') return false;
  const where = kind === 'computer' ? 'A program on this computer asks' : 'An app on this device asks';
  return note(html`<b>${where}.</b> Patchbay cannot tell which one. Allow it only if you have just started it.`);
}

function details({ client, scopes, redirect, resource }: ConsentModel): Html {
  return html`<details>
<summary>Technical details</summary>
<dl>
<dt>Endpoint</dt><dd>${cleanUrl(resource)}</dd>
<dt>Answer goes to</dt><dd>${cleanUrl(redirect.uri)}</dd>
${client.uri !== undefined && html`<dt>Web page of the app, as it says</dt><dd>${cleanUrl(client.uri)}</dd>`}
<dt>Scopes</dt><dd>${scopes.map(({ name }) => name).join(' ')}</dd>
</dl>
</details>`;
}
