/**
 * The page that hands the answer over to an app. Browsers stay where they are when an address opens an app: after a plain
 * redirect, that would be the question that has just been answered.
 */
import { html } from './escape.ts';
import { layout } from './layout.ts';
import type { LeaveModel } from './model.ts';
import { opensApp } from './schemes.ts';

/**
 * @returns the whole document
 * @throws TypeError for an address that opens no app
 */
export function leavePage({ uri }: LeaveModel): string {
  if (!opensApp(uri)) throw new TypeError('the address opens no app');
  const { href } = new URL(uri);
  return layout(
    'Back to your app',
    html`<h1>Go back to your app</h1>
<p class="lead">It should open by itself. If it does not, open it here.</p>
<p class="mend"><a class="main" href="${href}">Open the app</a></p>
<p class="fine">Then you can close this window.</p>`,
    { head: html`<meta http-equiv="refresh" content="0;url=${href}">` },
  );
}
