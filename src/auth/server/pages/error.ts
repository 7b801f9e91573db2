/** The page for what cannot go on. */
import { html } from './escape.ts';
import { layout } from './layout.ts';
import type { ErrorModel } from './model.ts';

/** @returns the whole document */
export function errorPage({ title, text, mend, way }: ErrorModel): string {
  return layout(
    title,
    html`<h1>${title}</h1>
<p class="lead">${text}</p>
${mend !== undefined && html`<p class="mend">${mend}</p>`}
${way && html`<p class="way"><a class="main" href="${way.href}">${way.label}</a></p>`}`,
  );
}
