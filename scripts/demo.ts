/**
 * `npm run demo [URL]`: drives Patchbay as a host does, through an SDK client over Streamable HTTP, and tells each step.
 * Without a URL it starts a gateway of its own on config/patchbay.yaml and stops it in the end. With one it signs in there,
 * with the API key in PATCHBAY_KEY or else in the browser. Exit code 0 means that every answer was checked and right; 1
 * that a step failed, and which.
 */

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type DemoGateway, startDemoGateway } from './demo/gateway.ts';
import { Report, Unexpected } from './demo/report.ts';
import { SignIn } from './demo/sign-in.ts';
import { connect, steps } from './demo/steps.ts';

const BAD_KEY = 'the key in PATCHBAY_KEY is not taken; `patchbay key list` lists those that are';

const report = new Report((text) => void process.stdout.write(text));
process.exitCode = await demo(process.argv[2]);

async function demo(given: string | undefined): Promise<number> {
  let gateway: DemoGateway | undefined;
  let transport: StreamableHTTPClientTransport | undefined;
  let key = process.env.PATCHBAY_KEY;
  let client = newClient();
  const signIn = await SignIn.start();
  report.title(given === undefined ? 'Patchbay demo, with a gateway of its own' : `Patchbay demo, against ${given}`);
  try {
    const url = await report.step(given === undefined ? 'Start a gateway' : 'Find the gateway', async (tell) => {
      if (given !== undefined) return parseUrl(given);
      tell.sent('patchbay key create demo --expires 1h');
      tell.sent('patchbay serve --config config/patchbay.yaml --port 0');
      gateway = await startDemoGateway();
      key = gateway.key;
      tell.got(gateway.url.href);
      return gateway.url;
    });
    const options = key ? { requestInit: { headers: { authorization: `Bearer ${key}` } } } : { authProvider: signIn };
    transport = new StreamableHTTPClientTransport(url, options);
    await report.step('Connect', async (tell) => {
      try {
        await connect(client, transport!, tell);
      } catch (error) {
        if (key && (error as { code?: unknown }).code === 401) throw new Unexpected(BAD_KEY);
        if (!(error instanceof UnauthorizedError)) throw error;
        tell.got('it asks for a sign-in. Open this page in a browser and allow the demo:');
        tell.line(signIn.page!.href);
        await transport!.finishAuth(await signIn.code());
        await client.close();
        client = newClient();
        transport = new StreamableHTTPClientTransport(url, options);
        await connect(client, transport, tell);
      }
    });
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
    signIn.close();
    await client.close().catch(() => undefined);
    await gateway?.stop().catch(() => undefined);
  }
}

function newClient(): Client {
  return new Client({ name: 'patchbay-demo', version: '1.0.0' });
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error(`"${text}" is no URL; give one such as http://127.0.0.1:8080/mcp`);
  return new URL(text);
}
