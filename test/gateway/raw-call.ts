/** One tool call on a connection of its own, whose answer a test reads as slowly as it likes, byte for byte. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

export interface RawCall {
  readonly response: IncomingMessage;
  /** Bytes read so far. */
  readonly read: () => number;
  /** Reads on to the end. @returns the bytes, and whether the answer ended as it should */
  rest(): Promise<{ readonly bytes: Buffer; readonly whole: boolean }>;
  /** Reads at least this many bytes more, and then no further. */
  some(bytes: number): Promise<void>;
  hangUp(): void;
}

/** Sends a message to a session; resolves when the head of the answer is there. */
export async function rawCall(
  url: string,
  session: string | undefined,
  message: object,
  headers = {},
): Promise<RawCall> {
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session === undefined ? {} : { 'mcp-session-id': session }),
      ...headers,
    },
  });
  sent.on('error', () => undefined);
  sent.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  const chunks: Buffer[] = [];
  let size = 0;
  let wanted = 0;
  let enough: (() => void) | undefined;
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < wanted) return;
    response.pause();
    enough?.();
  });
  response.once('close', () => enough?.());
  response.pause();
  return {
    response,
    read: () => size,
    rest: async () => {
      wanted = Number.POSITIVE_INFINITY;
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once('close', resolve);
      response.resume();
      if (!response.closed) await promise;
      return { bytes: Buffer.concat(chunks), whole: response.complete };
    },
    some: async (bytes) => {
      wanted = size + bytes;
      const { promise, resolve } = Promise.withResolvers<void>();
      enough = resolve;
      response.resume();
      if (!response.closed) await promise;
    },
    hangUp: () => void response.destroy(),
  };
}
