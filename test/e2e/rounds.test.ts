/** What upstreams ask of the client during a call, with the SDK client in front and the everything servers behind. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DefaultGateway, startDefaultGateway } from './default-gateway.ts';

let gateway: DefaultGateway;

beforeAll(async () => {
  gateway = await startDefaultGateway();
});
afterAll(() => gateway?.stop());

const bearingTransport = (): Transport =>
  new StreamableHTTPClientTransport(new URL(gateway.url), {
    requestInit: { headers: { authorization: `Bearer ${gateway.key}` } },
  }) as Transport;

/** A client that can be asked everything, and answers in its own name. */
async function connect(name: string): Promise<Client> {
  const client = new Client(
    { name, version: '1.0.0' },
    { capabilities: { elicitation: {}, sampling: {}, roots: { listChanged: true } } },
  );
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { name } }));
  client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    role: 'assistant',
    model: 'a model',
    content: { type: 'text', text: `sampled by ${name}` },
  }));
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [{ uri: `file:///home/${name}`, name }] }));
  const transport = bearingTransport();
  await client.connect(transport);
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  return (content as { text?: string }[]).map(({ text }) => text ?? '').join('\n');
}

describe.each(['everything', 'everything-http'])('%s', (upstream) => {
  it('asks the client that called, and not the other one', async () => {
    const clients = await Promise.all(['ada', 'grace'].map(connect));
    const ask = async (client: Client) => ({
      person: await call(client, `${upstream}__trigger-elicitation-request`),
      model: await call(client, `${upstream}__trigger-sampling-request`, { prompt: 'hello' }),
      roots: await call(client, `${upstream}__get-roots-list`),
    });
    const [ada, grace] = await Promise.all(clients.map(ask));
    expect(ada).toEqual({
      person: expect.stringContaining('Name: ada'),
      model: expect.stringContaining('sampled by ada'),
      roots: expect.stringContaining('file:///home/ada'),
    });
    expect(grace).toEqual({
      person: expect.stringContaining('Name: grace'),
      model: expect.stringContaining('sampled by grace'),
      roots: expect.stringContaining('file:///home/grace'),
    });
    for (const client of clients) await client.close();
  });
});

describe('a client that cannot be asked', () => {
  it('is not shown the tools that would ask it', async () => {
    const client = new Client({ name: 'silent', version: '1.0.0' });
    await client.connect(bearingTransport());
    const names = (await client.listTools()).tools.map((t) => t.name);
    expect(names).toContain('everything__echo');
    expect(names.filter((name) => /elicitation|sampling|roots/.test(name))).toEqual([]);
    await client.close();
  });
});
