/** A browser of one person, a step at a time: what each answer was, and cookies as browsers keep them, by path. */
import { type Form, formOf } from '../../hosts/visitor.ts';

/** What a browser ends at. */
export interface Stop {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** Where it is sent to outside of the gateway, if it is. */
  readonly left: URL | undefined;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

const REDIRECTS = 10;

export class Browser {
  readonly #base: string;
  readonly #seen: (secret: string) => void;
  /** by name and path */
  readonly #cookies = new Map<string, Cookie & { readonly name: string }>();

  /**
   * @param base of the gateway
   * @param seen told each secret that comes by: values of cookies, tokens of forms
   */
  constructor(base: string, seen: (secret: string) => void = () => undefined) {
    this.#base = base;
    this.#seen = seen;
  }

  /** The cookies that it would send to an address, for programs that send them elsewhere. */
  cookies(url: URL | string): string {
    return this.#cookiesFor(new URL(url, this.#base));
  }

  /** Opens an address, and goes where it is redirected to inside of the gateway. */
  go(url: URL | string, headers: Readonly<Record<string, string>> = {}): Promise<Stop> {
    return this.#follow(new URL(url, this.#base), undefined, headers);
  }

  /** Sends a form as the page of the gateway would. @param headers in place of those that browsers send */
  send(action: string, fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) {
    return this.#follow(new URL(action, this.#base), new URLSearchParams(fields), { origin: this.#base, ...headers });
  }

  /** Fills the last form of a page in. */
  fill({ html }: Stop, answer: Readonly<Record<string, string>>): Promise<Stop> {
    const { action, fields } = this.form(html);
    return this.send(action, { ...fields, ...answer });
  }

  form(html: string): Form {
    const form = formOf(html);
    for (const value of Object.values(form.fields)) this.#seen(value);
    return form;
  }

  async #follow(start: URL, form: URLSearchParams | undefined, headers: Readonly<Record<string, string>>) {
    let url = start;
    let body = form;
    for (let i = 0; i < REDIRECTS; i++) {
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers: { cookie: this.#cookiesFor(url), accept: 'text/html', ...headers },
        redirect: 'manual',
        ...(body ? { body } : {}),
      });
      this.#keep(response.headers.getSetCookie(), url);
      const html = await response.text();
      const location = response.headers.get('location');
      const next = location === null ? undefined : new URL(location, url);
      if (!next || next.origin !== this.#base)
        return { status: response.status, headers: response.headers, html, left: next } satisfies Stop;
      url = next;
      body = undefined;
    }
    throw new Error(`more than ${REDIRECTS} redirects, the last to ${url.href}`);
  }

  #cookiesFor({ pathname }: URL): string {
    const good = [...this.#cookies.values()].filter(
      ({ path }) => path === '/' || pathname === path || pathname.startsWith(`${path}/`),
    );
    return good.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  #keep(lines: readonly string[], url: URL): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const path = /;\s*path=([^;]*)/i.exec(line)?.[1] ?? url.pathname;
      const key = `${name} ${path}`;
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(key);
      else {
        this.#cookies.set(key, { name, value, path });
        this.#seen(value);
      }
    }
  }
}
