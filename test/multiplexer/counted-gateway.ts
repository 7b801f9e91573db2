/**
 * A gateway in a process of its own that tells what it holds: `node test/multiplexer/counted-gateway.ts <config file>`,
 * started with an IPC channel. It sends `{url}` when it listens, and `{counts}` for every message it gets.
 */
import type { AddressInfo } from 'node:net';
import { loadConfig } from '../../src/config/load.ts';
import { createApp } from '../../src/gateway/app.ts';
import { assemble } from '../../src/gateway/assemble.ts';
import { createLogger } from '../../src/telemetry/log.ts';

/** How many there are of each thing that has to go away again. */
export interface Counts {
  readonly sessions: number;
  /** Links to upstreams, open or opening. */
  readonly links: number;
  /** Streams of clients with a connection. */
  readonly streams: number;
  /** Replies whose head is still held. */
  readonly held: number;
  /** What keeps the process alive, by kind: timers, sockets, pipes, child processes. */
  readonly resources: Readonly<Record<string, number>>;
}

const loaded = loadConfig(process.argv[2]!, { env: process.env });
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const { config } = loaded;
const assembly = assemble(config, '0.0.0', createLogger(config.log));
const { context, timing } = assembly.gateway;
const app = createApp(assembly.gateway, config.server, () => 'ready');

function counts(): Counts {
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return {
    sessions: context.sessions.size,
    links: context.pool.size,
    streams: timing.streams.size,
    held: timing.held.size,
    resources,
  };
}

process.on('message', () => process.send!({ counts: counts() }));
process.once('disconnect', () => process.exit(0));
await app.listen({ host: config.server.host, port: config.server.port });
process.send!({ url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/mcp` });
