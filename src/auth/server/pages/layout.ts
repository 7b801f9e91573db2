/** The frame of every page: one card under the name of the gateway, no script, nothing fetched from anywhere. */
import { hash } from 'node:crypto';
import { Html, html } from './escape.ts';
import { STYLE } from './style.ts';

/** Of the style sheet, for the Content-Security-Policy. */
export const STYLE_HASH = `sha256-${hash('sha256', STYLE, 'base64')}`;

const SHEET = new Html(`<style>${STYLE}</style>`);

const icon = (paths: string): Html =>
  new Html(
    `<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${paths}</svg>`,
  );

/** Drawn here; each stands beside text that says the same. */
export const ICONS = {
  patchbay: icon(
    '<circle cx="4.5" cy="5" r="2.2"/><circle cx="15.5" cy="15" r="2.2"/><path d="M4.5 7.2v3.3a4 4 0 0 0 4 4h4.8"/><path d="M11 5h4.5M15.5 5v4"/>',
  ),
  web: icon('<circle cx="10" cy="10" r="7.5"/><path d="M2.5 10h15M10 2.5c5 5 5 10 0 15c-5-5-5-10 0-15"/>'),
  computer: icon('<rect x="2.5" y="3.5" width="15" height="10" rx="1.5"/><path d="M7 17h6M10 13.5V17"/>'),
  app: icon('<rect x="5.5" y="2" width="9" height="16" rx="2"/><path d="M9 15.2h2"/>'),
  can: icon('<path d="M4 10.5l4 4l8-9"/>'),
  warning: icon('<path d="M10 3L18 16.8H2zM10 8v4M10 14.4v.1"/>'),
  back: icon('<path d="M3.5 10h13M11.5 5l5 5l-5 5"/>'),
} as const;

/** What few pages have. */
export interface Around {
  readonly head?: Html;
  readonly footer?: Html | false;
}

/** @param title of the window @param main the content of the card */
export function layout(title: string, main: Html, { head, footer }: Around = {}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · Patchbay</title>
${head}
${SHEET}
</head>
<body>
<header>${ICONS.patchbay}<span>Patchbay</span></header>
<main>
${main}
</main>
${footer && html`<footer>${footer}</footer>`}
</body>
</html>
`.toString();
}

/** Something to weigh before going on. */
export const note = (text: Html): Html => html`<div class="note">${ICONS.warning}<p>${text}</p></div>`;
