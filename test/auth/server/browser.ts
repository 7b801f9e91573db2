/** A browser reduced to cookies, redirects and forms, which visits several sites and stops at pages. */

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

interface Cookie {
  readonly origin: string;
  readonly path: string;
  readonly name: string;
  readonly value: string;
}

export class Browser {
  /** Every address it was sent to so far. */
  readonly visited: URL[] = [];
  readonly #cookies = new Map<string, Cookie>();

  /**
   * Opens an address, or sends a form, and follows redirects.
   * @param until stops before the first address that this is true of
   * @returns the page, or the address that it stopped at with status 0
   */
  async go(start: string | URL, until: (url: URL) => boolean, form?: Record<string, string>): Promise<Page> {
    let url = new URL(start);
    let body = form;
    for (let i = 0; i < 20; i++) {
      this.visited.push(url);
      if (!body && until(url)) return { url, status: 0, text: '' };
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie: this.#cookiesFor(url), ...(body ? { origin: url.origin } : {}) },
        ...(body ? { body: new URLSearchParams(body) } : {}),
      });
      for (const line of response.headers.getSetCookie()) this.#keep(url, line);
      const text = await response.text();
      const location = response.headers.get('location');
      if (location === null) return { url, status: response.status, text };
      url = new URL(location, url);
      body = undefined;
    }
    throw new Error(`too many redirects, the last to ${url.href}`);
  }

  /** Sends the form of a page whose action ends so. */
  send(page: Page, action: string, until: (url: URL) => boolean, typed: Record<string, string> = {}): Promise<Page> {
    const form = page.text.split('<form').find((one) => new RegExp(`action="[^"]*/${action}"`).test(one));
    if (form === undefined) throw new Error(`there is no form for ${action}:\n${page.text}`);
    const to = /action="([^"]*)"/.exec(form)![1]!;
    const csrf = /name="csrf" value="([^"]*)"/.exec(form)![1]!;
    return this.go(new URL(to, page.url), until, { csrf, ...typed });
  }

  #cookiesFor({ origin, pathname }: URL): string {
    const mine = [...this.#cookies.values()].filter((one) => one.origin === origin && pathname.startsWith(one.path));
    return mine.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  #keep({ origin }: URL, line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const path = /; path=([^;]*)/i.exec(line)?.[1] ?? '/';
    const key = `${origin} ${path} ${name}`;
    if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(key);
    else this.#cookies.set(key, { origin, path, name, value });
  }
}
