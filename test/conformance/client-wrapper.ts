/**
 * The client under test for the suite's client mode: a gateway with the suite's server as its only upstream, and a driver
 * in front of it that does what the scenario needs.
 *
 *     node test/conformance/client-wrapper.ts <url of the suite's server>
 *
 * The suite names the scenario in `MCP_CONFORMANCE_SCENARIO` and the revision in `MCP_CONFORMANCE_PROTOCOL_VERSION`.
 * It exits with 0 when the scenario went as it should, else with 1 and the reason; nothing that it started outlives it.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type ClientCapabilities, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';

/** What the driver does in one scenario. */
interface Drive {
  readonly capabilities?: ClientCapabilities;
  /** @throws Error when something came back that should not have */
  run(client: Client): Promise<void>;
}

/** The suite gives a client 30 s; this ends earlier, so that it can clean up. */
const LIMIT_MS = 20_000;

/** Revision 2025-11-25, and what both have. */
const drives: Readonly<Record<string, Drive>> = {
  initialize: { run: async (client) => void (await client.listTools()) },
  tools_call: {
    run: async (client) => expectText(await call(client, 'add_numbers', { a: 5, b: 3 }), '8'),
  },
  'elicitation-sep1034-client-defaults': {
    capabilities: { elicitation: { form: { applyDefaults: true } } },
    run: async (client) => {
      client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: {} }));
      expectText(await call(client, 'test_client_elicitation_defaults'), '"name":"John Doe"');
    },
  },
  'sse-retry': {
    run: async (client) => expectText(await call(client, 'test_reconnection'), 'completed successfully'),
  },
};

/** What a scenario gives its client to work with. */
const context = (): { toolCalls?: { name: string; arguments: Record<string, unknown> }[] } =>
  JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as ReturnType<typeof context>;

/** Revision 2026-07-28: a legacy client in front, so that everything is translated. */
const modernDrives: Readonly<Record<string, Drive>> = {
  tools_call: drives.tools_call!,
  'request-metadata': { run: async (client) => void (await client.listTools()) },
  'http-standard-headers': {
    run: async (client) => {
      for (const { name } of (await client.listTools()).tools) await client.callTool({ name, arguments: {} });
      for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
      for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
    },
  },
  'http-custom-headers': {
    run: async (client) => {
      await client.listTools();
      for (const call of context().toolCalls ?? []) await client.callTool(call);
    },
  },
  'http-invalid-tool-headers': {
    run: async (client) => {
      for (const { name } of (await client.listTools()).tools) await client.callTool({ name, arguments: {} });
    },
  },
  'json-schema-ref-no-deref': { run: async (client) => void (await client.listTools()) },
  'json-schema-2020-12-preservation': {
    run: async (client) => {
      const { tools } = await client.listTools();
      const [rich, echo] = tools;
      await client.callTool({ name: echo!.name, arguments: { schema: rich!.inputSchema } });
    },
  },
  'sep-2322-client-request-state': {
    capabilities: { elicitation: {} },
    run: async (client) => {
      const other = Promise.withResolvers<void>();
      client.setRequestHandler(ElicitRequestSchema, async () => {
        // in the middle of a round, something else is called
        await client.callTool({ name: 'test_mrtr_unrelated', arguments: {} }).then(() => other.resolve(), other.reject);
        return { action: 'accept', content: { confirmed: true, confirm: true, name: 'x' } };
      });
      for (const name of ['test_mrtr_echo_state', 'test_mrtr_no_state', 'test_mrtr_no_result_type'])
        await client.callTool({ name, arguments: {} });
      await other.promise;
    },
  },
};

async function main(url: string | undefined): Promise<void> {
  const { MCP_CONFORMANCE_SCENARIO: scenario = '', MCP_CONFORMANCE_PROTOCOL_VERSION: version } = process.env;
  const known = version === '2026-07-28' ? modernDrives : drives;
  const drive = Object.hasOwn(known, scenario) ? known[scenario] : undefined;
  if (!url) throw new Error('the address of the server is missing: give it as the last argument');
  if (!drive) throw new Error(`no driver for the scenario "${scenario}"; there is one for ${Object.keys(known)}`);

  let gateway: Gateway | undefined;
  const late = AbortSignal.timeout(LIMIT_MS);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error(`${scenario} was not over after ${LIMIT_MS} ms`)));
  });
  try {
    gateway = await startGateway({ config: { names: { prefix: 'never' }, upstreams: { suite: { url } } } });
    await Promise.race([through(gateway, drive), tooLate]);
  } finally {
    await gateway?.stop();
  }
}

async function through(gateway: Gateway, { capabilities = {}, run }: Drive): Promise<void> {
  const client = new Client({ name: 'driver', version: '1.0.0' }, { capabilities });
  const transport = new StreamableHTTPClientTransport(new URL(gateway.url));
  await client.connect(transport as Transport);
  await run(client);
  await transport.terminateSession();
  await client.close();
}

/** Lists the tools, as hosts do, and calls one of them. */
async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const { tools } = await client.listTools();
  if (!tools.some((tool) => tool.name === name)) throw new Error(`${name} is not in ${JSON.stringify(tools)}`);
  return JSON.stringify((await client.callTool({ name, arguments: args })).content);
}

function expectText(content: string, part: string): void {
  const text = (JSON.parse(content) as { text?: string }[]).map((block) => block.text ?? '').join('\n');
  if (!text.includes(part)) throw new Error(`expected ${part} in the result, but it is ${content}`);
}

main(process.argv[2]).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
