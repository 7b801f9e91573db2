/** Who asks, as a box of its own, so that nothing that a client calls itself reads like a sentence of the page. */
import { cleanHost, cleanName } from './claims.ts';
import { type Html, html } from './escape.ts';
import { ICONS } from './layout.ts';
import type { ClientView } from './model.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

/** Where an app runs, which is what can be known of it. */
export interface Place {
  readonly kind: 'web' | 'computer' | 'app';
  /** By itself. */
  readonly title: Html;
  /** Within a sentence. */
  readonly words: Html;
}

const COMPUTER: Place = {
  kind: 'computer',
  title: html`A program on this computer`,
  words: html`a program on this computer`,
};
const APP: Place = { kind: 'app', title: html`An app on this device`, words: html`an app on this device` };

/** Where the answer goes. @param uri the redirect URI */
export function placeOfRedirect(uri: string, loopback: boolean): Place {
  if (loopback) return COMPUTER;
  const { protocol, host } = URL.parse(uri) ?? {};
  return protocol === 'https:' || protocol === 'http:' ? placeOfHost(host) : APP;
}

/** @param host of a client; `undefined` for an app that has no place on the web */
export function placeOfHost(host: string | undefined): Place {
  const clean = cleanHost(host);
  if (clean === undefined) return APP;
  if (LOOPBACK.test(clean)) return COMPUTER;
  const name = html`<b>${clean}</b>`;
  return { kind: 'web', title: name, words: name };
}

/** @param place where it runs @param label what the box is to those who cannot see it */
export function clientPanel({ name, verified }: ClientView, { kind, title }: Place, label: string): Html {
  const clean = cleanName(name);
  return html`<section class="client" aria-label="${label}">
${clean !== undefined && !verified && html`<p class="claim">It calls itself</p>`}
<p class="name"><bdi>${clean ?? 'An app without a name'}</bdi></p>
<p class="row">${ICONS[kind]}<span class="place">${title}</span></p>
<p class="said">${said(clean, verified)}</p>
</section>`;
}

function said(name: string | undefined, verified: boolean): string {
  if (name === undefined) return 'It does not say what it is called.';
  return verified ? 'Name confirmed by this address.' : 'Name not verified: any app can choose it.';
}
