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

async function main(url: string | undefined): Promise<void> {
  const { MCP_CONFORMANCE_SCENARIO: scenario = '', MCP_CONFORMANCE_PROTOCOL_VERSION: version } = process.env;
  const drive = Object.hasOwn(drives, scenario) ? drives[scenario] : undefined;
  if (!url) throw new Error('the address of the server is missing: give it as the last argument');
  if (!drive) throw new Error(`no driver for the scenario "${scenario}"; there is one for ${Object.keys(drives)}`);
  if (version !== '2025-11-25') throw new Error(`this driver is for the revision 2025-11-25, not ${version}`);

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
