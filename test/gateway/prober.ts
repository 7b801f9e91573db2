/** Looks at an endpoint through every method that lists or names items, in either era. */
import { Session } from './client.ts';
import type { Rpc, SendOptions } from './exchange.ts';
import { ModernClient } from './modern-client.ts';

export const ERAS = ['legacy', 'modern'] as const;
export type Era = (typeof ERAS)[number];

export interface Prober {
  readonly era: Era;
  /** What `initialize` or `server/discover` says. */
  readonly server: Readonly<Record<string, unknown>>;
  ask(method: string, params?: Readonly<Record<string, unknown>>): Promise<Rpc>;
  /** The names in all lists, as `tools name`. */
  listed(): Promise<string[]>;
  /** Uses an item. @returns the answer, with the name in its text replaced where it is an error */
  use(item: string): Promise<string>;
}

const LISTS = [
  ['tools', 'tools/list', 'name'],
  ['prompts', 'prompts/list', 'name'],
  ['resources', 'resources/list', 'uri'],
  ['resourceTemplates', 'resources/templates/list', 'uriTemplate'],
] as const;

type Params = Readonly<Record<string, unknown>>;

/** What is asked to use an item of a kind. */
const USES: Readonly<Record<string, (name: string) => readonly [string, Params]>> = {
  tools: (name) => ['tools/call', { name, arguments: {} }],
  prompts: (name) => ['prompts/get', { name }],
  resources: (uri) => ['resources/read', { uri }],
  resourceTemplates: (uri) => [
    'completion/complete',
    { ref: { type: 'ref/resource', uri }, argument: { name: 'id', value: '' } },
  ],
};

export async function probe(era: Era, url: string, headers: NonNullable<SendOptions['headers']> = {}): Promise<Prober> {
  let server: Readonly<Record<string, unknown>>;
  let ask: Prober['ask'];
  if (era === 'legacy') {
    const session = await Session.open(url, { headers: headers as Record<string, string> });
    server = session.server;
    ask = (method, params) => session.request(method, params);
  } else {
    const client = new ModernClient(url, {}, headers);
    server = await client.result('server/discover');
    ask = async (method, params = {}) => (await client.ask(method, { params })).messages.at(-1)!;
  }
  return {
    era,
    server,
    ask,
    listed: async () => {
      const found: string[] = [];
      for (const [list, method, key] of LISTS) {
        const { result, error } = await ask(method);
        // a modern client is told that there is no such method, where nothing is behind it
        if (error?.code === -32601) continue;
        for (const item of (result as Record<string, Record<string, unknown>[]>)[list]!)
          found.push(`${list} ${item[key]}`);
      }
      return found;
    },
    use: async (item) => {
      const at = item.indexOf(' ');
      const name = item.slice(at + 1);
      const { result, error } = await ask(...USES[item.slice(0, at)]!(name));
      return result ? 'ok' : JSON.stringify(error).replaceAll(JSON.stringify(name).slice(1, -1), '<name>');
    },
  };
}
