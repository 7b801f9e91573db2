/** Reads the body of a request into one buffer. */
import type { FastifyContentTypeParser } from 'fastify';
import { Fault } from '../errors.ts';

/** Of a body that is too large, so many times the limit are read and thrown away: a client that cannot write never reads why. */
const READ_ON = 8;

/**
 * A parser for Fastify that gives bodies as they came.
 * @param limit the most bytes; the Fault of what is larger is `bodyTooLarge`, of what is not as long as it says `parse`
 */
export function bodyReader(limit: number): FastifyContentTypeParser {
  return (request, payload, done) => {
    const announced = Number(request.headers['content-length'] ?? Number.NaN);
    const chunks: Buffer[] = [];
    let size = 0;
    let over = false;
    const end = (error: Error | null): void => {
      if (over) return;
      over = true;
      if (error) done(error);
      else if (!Number.isNaN(announced) && announced !== size)
        done(new Fault('parse', { detail: 'the body does not have the length it announces' }));
      else done(null, joined(chunks, size));
    };
    if (announced > limit) end(new Fault('bodyTooLarge', { limit }));
    payload.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > READ_ON * limit) request.raw.destroy();
      // what nobody wants is read nevertheless, so that the refusal gets through
      if (over) return;
      if (size > limit) {
        chunks.length = 0;
        end(new Fault('bodyTooLarge', { limit }));
      } else chunks.push(chunk);
    });
    payload.on('end', () => end(null));
    payload.on('error', (error: Error) => end(error));
  };
}

/**
 * One buffer of all. The memory of the chunks is given back at once: collected as garbage, that of a few large bodies would
 * make the collector run all the time.
 */
function joined(chunks: readonly Buffer[], size: number): Buffer {
  const body = Buffer.concat(chunks, size);
  for (const { buffer, length } of chunks)
    if (length >= Buffer.poolSize / 2 && length === buffer.byteLength && buffer instanceof ArrayBuffer)
      buffer.transfer(0);
  return body;
}
