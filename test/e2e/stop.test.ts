/** A gateway that is told to stop ends with 0 and takes every process with it, grandchildren included. */
import { describe, expect, it } from 'vitest';
import { startDefaultGateway } from './default-gateway.ts';
import { expectNoneMarked, marked } from './processes.ts';
import { connectV1 } from './sdk-clients.ts';

/** An upstream whose shell leaves a process of its own beside it, as package runners do. */
const WITH_GRANDCHILD = { command: 'sh', args: ['-c', 'sleep 600 & exec mcp-server-everything stdio'] };

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('ends the gateway and all it has started', async () => {
    const gateway = await startDefaultGateway({ family: WITH_GRANDCHILD });
    const client = await connectV1(gateway.url, gateway.key);
    // a session's own links are processes of their own, beside those that the lists were fetched over
    for (const upstream of ['everything', 'everything-http', 'family'])
      expect((await client.call(`${upstream}__echo`, { message: 'hello' })).text).toBe('Echo: hello');
    await client.call('memory__read_graph', {});
    await client.call('files__list_allowed_directories', {});

    const before = [...(await marked(gateway.mark)).values()];
    for (const part of ['dist/cli.js serve', 'mcp-server-everything stdio', 'mcp-server-everything streamableHttp'])
      expect(before).toContainEqual(expect.stringContaining(part));
    for (const part of ['mcp-server-filesystem', 'mcp-server-memory', 'sleep 600'])
      expect(before).toContainEqual(expect.stringContaining(part));

    expect(await gateway.stop(signal)).toEqual({ code: 0 });
    await expectNoneMarked(gateway.mark);
  });
});

describe('a call in progress', () => {
  it('may finish before the gateway ends', async () => {
    const gateway = await startDefaultGateway();
    const client = await connectV1(gateway.url, gateway.key);
    const { promise: running, resolve } = Promise.withResolvers<void>();
    const args = { duration: 1, steps: 4 };
    const call = client.call('everything__trigger-long-running-operation', args, () => resolve());
    await Promise.race([running, call]);
    const stopped = gateway.stop();
    expect((await call).text).toContain('completed');
    expect(await stopped).toEqual({ code: 0 });
  }, 60_000);
});
