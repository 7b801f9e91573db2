/** A browser of one person: cookies as browsers keep them, redirects and forms. It stops at pages, and where it is led away. */
import { type Form, formOf } from '../../hosts/visitor.ts';

/** What a browser ends at. */
export interface Stop {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** Where that came from. */
  readonly url: URL;
  /** Where it is sent to and does not go, if it is. */
  readonly left: URL | undefined;
}

export interface Visit {
  /** In place of those that browsers send. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which addresses it is sent to and does not open; default all outside of the gateway. */
  readonly until?: (url: URL) => boolean;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Without the port, of which cookies know nothing (RFC 6265 §8.5). */
  readonly host: string;
  readonly path: string;
}

const REDIRECTS = 20;

export class Browser {
  readonly #base: string;
  readonly #seen: (secret: string) => void;
  /** by host, path and name */
  readonly #cookies = new Map<string, Cookie>();

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

  /** Opens an address, and goes where it is redirected to. */
  go(url: URL | string, visit: Visit = {}): Promise<Stop> {
    return this.#follow(new URL(url, this.#base), undefined, visit);
  }

  /** Sends a form as the page of the gateway would. */
  send(action: string, fields: Readonly<Record<string, string>>, { headers, until }: Visit = {}): Promise<Stop> {
    const url = new URL(action, this.#base);
    const sent = { headers: { origin: url.origin, ...headers }, ...(until && { until }) };
    return this.#follow(url, new URLSearchParams(fields), sent);
  }

  /** Fills a form of a page in. @param what the end of its action; default the last form */
  fill(
    { html, url }: Stop,
    answer: Readonly<Record<string, string>> = {},
    what?: string,
    visit?: Visit,
  ): Promise<Stop> {
    const { action, fields } = this.form(what === undefined ? html : formTo(what, html));
    return this.send(new URL(action, url).href, { ...fields, ...answer }, visit);
  }

  form(html: string): Form {
    const form = formOf(html);
    for (const value of Object.values(form.fields)) this.#seen(value);
    return form;
  }

  async #follow(start: URL, form: URLSearchParams | undefined, { headers, until }: Visit): Promise<Stop> {
    const isAway = until ?? (({ origin }: URL) => origin !== this.#base);
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
      if (!next || isAway(next)) return { status: response.status, headers: response.headers, html, url, left: next };
      url = next;
      body = undefined;
    }
    throw new Error(`more than ${REDIRECTS} redirects, the last to ${url.href}`);
  }

  #cookiesFor({ hostname, pathname }: URL): string {
    const good = [...this.#cookies.values()].filter(
      ({ host, path }) => host === hostname && (path === '/' || pathname === path || pathname.startsWith(`${path}/`)),
    );
    return good.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  #keep(lines: readonly string[], { hostname, pathname }: URL): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const path = /;\s*path=([^;]*)/i.exec(line)?.[1] ?? pathname;
      const key = `${hostname} ${path} ${name}`;
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(key);
      else {
        this.#cookies.set(key, { name, value, host: hostname, path });
        this.#seen(value);
      }
    }
  }
}

/** The form of a page whose action ends so. */
function formTo(what: string, html: string): string {
  const form = html.split(/(?=<form)/).find((one) => new RegExp(`^<form[^>]* action="[^"]*/${what}"`).test(one));
  if (form === undefined) throw new Error(`there is no form for ${what}:\n${html}`);
  return form;
}
