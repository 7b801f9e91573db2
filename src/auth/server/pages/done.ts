/** The page for what is over. */
import { html } from './escape.ts';
import { layout } from './layout.ts';
import type { DoneModel } from './model.ts';

/** @returns the whole document */
export function donePage({ title, text }: DoneModel): string {
  return layout(title, html`<h1>${title}</h1><p class="lead">${text}</p>`);
}
