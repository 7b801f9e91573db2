/** The three transports that a link can have, each with its ways to reach a peer, and a link opened over it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Connector } from '../../src/upstreams/connector.ts';
import type { ClientIdentity, Link } from '../../src/upstreams/link.ts';
import type { Timeouts, UpstreamSpec } from '../../src/upstreams/spec.ts';
import { startFixture, stopChild, waitForLine } from '../fixtures/child.ts';
import { type RecordedCall, resultOf, toolCall } from '../upstreams/calls.ts';
import { type LogLine, memoryLog } from '../upstreams/memory-log.ts';
import { type Heard, hearing } from '../upstreams/scripted-wire.ts';
import { httpSpec, nodeProcess, stdioSpec } from '../upstreams/specs.ts';

export type TransportName = 'stdio' | 'http' | 'sse';

/** What the links of this suite tell their upstreams. */
export const IDENTITY: ClientIdentity = {
  audience: 'contract',
  capabilities: { roots: { listChanged: true }, elicitation: { form: {} } },
  info: { name: 'patchbay-test', version: '1.2.3', title: 'größe' },
};

/** A peer that can be linked to, as often as a test likes. */
export interface Peer {
  /** How to reach it; on stdio every link starts a process of its own. */
  spec(timeouts?: Partial<Timeouts>, maxMessageSize?: number): UpstreamSpec;
  stop(): Promise<void>;
}

export interface Transport {
  readonly name: TransportName;
  /** Whether what belongs to a request comes on a stream of its own, so that garbage there can be told of. */
  readonly separate: boolean;
  /** The peer on the official SDK, test/fixtures/peer-server.ts. */
  peer(env?: Readonly<Record<string, string>>): Promise<Peer>;
  /** The hand-written one with odd answers, odd-upstream.ts. */
  odd(): Promise<Peer>;
}

const ODD = fileURLToPath(new URL('odd-upstream.ts', import.meta.url));
const HEADERS = { 'x-configured': 'by the admin' };

const onStdio = (process: ReturnType<typeof nodeProcess>): Peer => ({
  spec: (timeouts = {}, maxMessageSize = 16 * 1024 * 1024) => stdioSpec(process, { timeouts, maxMessageSize }),
  stop: async () => undefined,
});

const onHttp = (url: string, name: 'http' | 'sse', stop: () => Promise<void>): Peer => ({
  spec: (timeouts = {}, maxMessageSize = 16 * 1024 * 1024) =>
    httpSpec(url, name === 'http' ? 'streamable-http' : 'sse', { timeouts, maxMessageSize, headers: HEADERS }),
  stop,
});

async function oddOnHttp(name: 'http' | 'sse'): Promise<Peer> {
  const child: ChildProcess = spawn(process.execPath, [ODD, name], { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await waitForLine(child, [], (line) => /^listening (\d+)$/.exec(line)?.[1]);
  return onHttp(`http://127.0.0.1:${port}/`, name, async () => void (await stopChild(child)));
}

async function peerOnHttp(name: 'http' | 'sse', env: Readonly<Record<string, string>>): Promise<Peer> {
  const fixture = await startFixture('peer-server', { transport: name, env });
  return onHttp(fixture.url, name, fixture.stop);
}

export const transports: readonly Transport[] = [
  {
    name: 'stdio',
    separate: false,
    peer: async (env = {}) => onStdio(nodeProcess('peer-server', ['stdio'], env)),
    odd: async () => onStdio(nodeProcess(ODD, ['stdio'])),
  },
  {
    name: 'http',
    separate: true,
    peer: (env = {}) => peerOnHttp('http', env),
    odd: () => oddOnHttp('http'),
  },
  {
    name: 'sse',
    separate: false,
    peer: (env = {}) => peerOnHttp('sse', env),
    odd: () => oddOnHttp('sse'),
  },
];

/** A link, with what it told its listener and the log. */
export interface Opened {
  readonly link: Link;
  readonly heard: Heard;
  readonly lines: readonly LogLine[];
  /** Sends a call and gives it back. */
  send(recorded: RecordedCall): RecordedCall;
  /** Calls a tool and builds its result; `args` is JSON text. */
  call<T = Record<string, unknown>>(tool: string, args?: string): Promise<T>;
  /** Closes the link and all that was opened for it. */
  close(): Promise<void>;
}

/** Opens a link through the connector. @throws WireFault */
export async function openLink(spec: UpstreamSpec): Promise<Opened> {
  const { log, lines } = memoryLog();
  const { listener, heard } = hearing();
  const connector = new Connector(spec, log);
  const link = await connector.open(IDENTITY, listener).catch(async (error: unknown) => {
    await connector.close();
    throw error;
  });
  const send = (recorded: RecordedCall): RecordedCall => {
    link.request(recorded.call);
    return recorded;
  };
  return {
    link,
    heard,
    lines,
    send,
    call: (tool, args = '{}') => resultOf(send(toolCall(tool, args))),
    close: async () => {
      await link.close();
      await connector.close();
    },
  };
}

/** What the tool `whoami` of the peer says. */
export interface WhoAmI {
  readonly pid: number;
  readonly clientInfo: object;
  readonly clientCapabilities: object;
  readonly env: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly sessionId?: string;
  readonly sleeps: { readonly started: number; readonly finished: number; readonly cancelled: number };
}

export const whoami = async (opened: Opened): Promise<WhoAmI> =>
  (await opened.call<{ structuredContent: WhoAmI }>('whoami')).structuredContent;
