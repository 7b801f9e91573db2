/** HTML by a tagged template that escapes every value, so that forgetting it takes effort. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup that was written here. Only {@link html} makes it. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template; `undefined` and `false` are nothing. */
export type Value = string | number | Html | undefined | false | readonly Value[];

/** A text as the content of an element or a value in quotes. */
export const escaped = (text: string): string => text.toWellFormed().replace(/[&<>"']/g, (one) => ENTITIES[one]!);

/** @returns markup in which every value is text, apart from those that are markup themselves */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.map((part, i) => part + markup(values[i])).join(''));
}

function markup(value: Value): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(markup).join('');
  return escaped(String(value));
}
