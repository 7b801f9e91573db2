/**
 * `npm run demo [URL]`: drives Patchbay as a host does, through an SDK client over Streamable HTTP, and tells each step.
 * Without a URL it starts a gateway of its own on config/patchbay.yaml and stops it in the end. Exit code 0 means that
 * every answer was checked and right; 1 that a step failed, and which.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type DemoGateway, startDemoGateway } from './demo/gateway.ts';
import { Report, Unexpected } from './demo/report.ts';
import { connect, steps } from './demo/steps.ts';

const report = new Report((text) => void process.stdout.write(text));
process.exitCode = await demo(process.argv[2]);

async function demo(given: string | undefined): Promise<number> {
  let gateway: DemoGateway | undefined;
  let transport: StreamableHTTPClientTransport | undefined;
  const client = new Client({ name: 'patchbay-demo', version: '1.0.0' });
  report.title(given === undefined ? 'Patchbay demo, with a gateway of its own' : `Patchbay demo, against ${given}`);
  try {
    const url = await report.step(given === undefined ? 'Start a gateway' : 'Find the gateway', async (tell) => {
      if (given !== undefined) return parseUrl(given);
      tell.sent('patchbay serve --config config/patchbay.yaml --port 0');
      gateway = await startDemoGateway();
      tell.got(gateway.url.href);
      return gateway.url;
    });
    transport = new StreamableHTTPClientTransport(url);
    await report.step('Connect', (tell) => connect(client, transport!, tell));
    for (const { title, run } of steps) await report.step(title, (tell) => run(client, tell));
    await report.step('Say goodbye', async (tell) => {
      tell.sent('DELETE, which ends the session and the links that were opened for it');
      await transport!.terminateSession();
      await client.close();
      tell.got('session closed');
      if (!gateway) return;
      tell.sent('SIGTERM to the gateway');
      const code = await gateway.stop();
      tell.got(`it ended with exit code ${code}`);
      if (code !== 0) throw new Unexpected('a gateway that is asked to stop ends with exit code 0');
    });
    report.done();
    return 0;
  } catch (error) {
    report.failed(error);
    return 1;
  } finally {
    await client.close().catch(() => undefined);
    await gateway?.stop().catch(() => undefined);
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error(`"${text}" is no URL; give one such as http://127.0.0.1:8080/mcp`);
  return new URL(text);
}
