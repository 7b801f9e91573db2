/** Where a worker takes what the others pass on to it, and answers what they ask. */
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import type { Gateway } from '../gateway.ts';
import { FROM_HEADER, passedOn, socketOf } from './peers.ts';

/** A client's headers may be as long as at the front, and the one more fits, bytes. */
const MAX_HEADERS = 20 * 1024;

export interface PeerDoorOptions {
  readonly app: FastifyInstance;
  readonly gateway: Gateway;
  readonly worker: number;
  readonly folder: string;
}

/**
 * Listens at the socket of a worker.
 * @returns ends that
 */
export async function openPeerDoor(options: PeerDoorOptions): Promise<() => void> {
  const { app, worker, folder } = options;
  const path = socketOf(folder, worker);
  // what the process before this one left there
  await rm(path, { force: true });
  const server: Server = createServer({ maxHeaderSize: MAX_HEADERS, requestTimeout: 0, keepAliveTimeout: 0 });
  server.on('request', (request, reply) => {
    if (request.url?.startsWith('/-/')) void answer(options, request, reply);
    else {
      arrive(request);
      app.routing(request, reply);
    }
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    // its own: what the workers share is the port alone
    server.listen({ path, exclusive: true }, done);
  });
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** To everything that follows, the request came from where it came to the other worker from. */
function arrive(request: IncomingMessage): void {
  const [address = '', counted] = String(request.headers[FROM_HEADER] ?? '').split(' ');
  delete request.headers[FROM_HEADER];
  Object.defineProperty(request.socket, 'remoteAddress', { value: address, configurable: true });
  passedOn.set(request, { counted: counted !== undefined });
}

async function answer({ gateway }: PeerDoorOptions, request: IncomingMessage, reply: ServerResponse): Promise<void> {
  try {
    const question = (await json(request)) as { id?: string; principal?: string };
    const found =
      request.url === '/-/figures'
        ? await gateway.peers?.own()
        : cancelTask(gateway, question.id ?? '', question.principal ?? '');
    reply.end(JSON.stringify(found));
  } catch (error) {
    gateway.log.debug({ err: error }, 'another worker was not answered');
    reply.destroy();
  }
}

const cancelTask = ({ context }: Gateway, id: string, principal: string): boolean =>
  context.tasks.running(id, { key: principal })?.cancel('the client cancelled the task') ?? false;
