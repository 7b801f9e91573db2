/** A browser reduced to what signing in needs: cookies, redirects and forms. It takes no address but those of the gateway. */
import { PASSWORDS, type UserName } from '../fixtures/sign-in-gateway.ts';

export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

const REDIRECTS = 10;

export class Visitor {
  readonly #base: string;
  readonly #cookies = new Map<string, string>();

  /** @param base of the gateway */
  constructor(base: string) {
    this.#base = base;
  }

  /**
   * Goes where a host sends its user, signs in where asked, and allows.
   * @returns the redirect that leads away from the gateway, which the host gets
   */
  async allow(url: string | URL, user: UserName = 'ada'): Promise<URL> {
    let step = await this.#follow(new URL(url));
    for (let pages = 0; typeof step === 'string'; pages++) {
      if (pages === 3) throw new Error(`there is still a page:\n${step}`);
      const { action, fields } = formOf(step);
      const login = step.includes('name="password"');
      const answer = login ? { login: user, password: PASSWORDS[user] } : { decision: 'allow' };
      step = await this.#follow(new URL(action, this.#base), new URLSearchParams({ ...fields, ...answer }));
    }
    return step;
  }

  /** @returns where it leads outside of the gateway, or the page that it ends at */
  async #follow(start: URL, form?: URLSearchParams): Promise<URL | string> {
    let url = start;
    let body = form;
    for (let i = 0; i < REDIRECTS; i++) {
      if (url.origin !== this.#base) return url;
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers: { cookie: this.#cookie, accept: 'text/html', ...(body ? { origin: this.#base } : {}) },
        redirect: 'manual',
        ...(body ? { body } : {}),
      });
      this.#keep(response.headers.getSetCookie());
      const location = response.headers.get('location');
      const page = await response.text();
      if (location === null) {
        const left = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(page)?.[1];
        if (left !== undefined) return new URL(plain(left));
        if (response.status !== 200) throw new Error(`${url.pathname} answered ${response.status}: ${page}`);
        return page;
      }
      url = new URL(location, url);
      body = undefined;
    }
    throw new Error(`more than ${REDIRECTS} redirects, the last to ${url.href}`);
  }

  get #cookie(): string {
    return [...this.#cookies].map((pair) => pair.join('=')).join('; ');
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

/** The last form of a page, which is that of the password or of the decision. */
export function formOf(page: string): Form {
  const form = page.slice(page.lastIndexOf('<form'));
  const action = /action="([^"]*)"/.exec(form)?.[1];
  if (action === undefined) throw new Error(`the page has no form:\n${page}`);
  const hidden = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return {
    action: plain(action),
    fields: Object.fromEntries([...hidden].map(([, name = '', value = '']) => [name, plain(value)])),
  };
}

/** What an attribute says. */
const plain = (text: string): string =>
  text.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&');
