/** Connections of clients that stop reading: none of them is kept for ever. */
import type { ServerResponse } from 'node:http';
import { acceptsGzip } from '../protocol/headers.ts';
import { lengthOf, type Pieces } from '../protocol/json/pieces.ts';
import { isPackable, packed } from './packed.ts';

/** How long a connection that is to end may take nothing of what is left for it, milliseconds. */
const FAREWELL = 3_000;

/**
 * Cuts a connection off that has taken nothing for a time although there was something to take. Any byte taken starts the
 * time anew.
 * @param patience milliseconds
 * @param told called when it is cut
 */
export function cutWhenStuck(raw: ServerResponse, patience: number, told: () => void): void {
  raw.setTimeout(patience, () => {
    // nothing was to be sent, which is no fault of the client
    if (raw.writableLength === 0) return;
    told();
    raw.destroy();
  });
}

/** Head of a JSON reply that is written without the framework. */
export const JSON_HEAD = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' } as const;

/** Up to this size a reply goes as one text with its head, which is one write; bytes. */
const SMALL = 8_192;

/** Sends a whole JSON reply, its head with it. */
export function sendJson(raw: ServerResponse, status: number, body: Pieces): void {
  if (body.length > 1 && isPackable(body)) return sendPackable(raw, status, body);
  const length = lengthOf(body);
  raw.writeHead(status, { ...JSON_HEAD, 'content-length': length });
  // in Latin 1 a byte is a character, whatever it stands for
  if (body.length === 1 && length <= SMALL) return void raw.end(body[0]!.toString('latin1'), 'latin1');
  write(raw, body);
}

/** A reply with a part that others are sent as well: in gzip, where the client takes that and it is ready. */
function sendPackable(raw: ServerResponse, status: number, body: Pieces): void {
  const before = raw.getHeader('vary');
  const vary = before === undefined ? 'Accept-Encoding' : `${String(before)}, Accept-Encoding`;
  const short = acceptsGzip(raw.req.headers['accept-encoding']?.toString()) ? packed(body) : undefined;
  const head = { ...JSON_HEAD, vary, 'content-length': lengthOf(short ?? body) };
  raw.writeHead(status, short ? { ...head, 'content-encoding': 'gzip' } : head);
  write(raw, short ?? body);
}

function write(raw: ServerResponse, body: Pieces): void {
  // corked, all of it goes in one write; the end takes the cork out
  if (body.length > 1) raw.cork();
  for (let i = 0; i < body.length - 1; i++) raw.write(body[i]!);
  raw.end(body.at(-1));
}

/** Ends a connection: what was written to it may still be read, as long as it is being read. */
export function hangUp(raw: ServerResponse, last?: string): void {
  if (!raw.writableEnded) raw.end(last);
  if (raw.writableFinished || raw.destroyed) return;
  raw.removeAllListeners('timeout');
  raw.setTimeout(FAREWELL, () => raw.destroy());
}
