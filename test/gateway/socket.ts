/** Bytes on a socket, for what no HTTP client sends. */
import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Sends pieces of text one after another until the peer has answered or hung up.
 * @returns everything that came back before the peer closed, or before `quietMs` passed without anything new
 */
export async function talk(url: string, pieces: Iterable<string | Buffer>, quietMs = 1_000): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  let answer = '';
  const over = new Promise<void>((resolve) => {
    socket.setTimeout(quietMs, resolve);
    socket.once('close', () => resolve());
    // a peer that refuses what is still being sent may reset the connection
    socket.on('error', () => resolve());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
  });
  for (const piece of pieces) {
    if (answer !== '' || socket.destroyed) break;
    if (!socket.write(piece)) await Promise.race([over, once(socket, 'drain').catch(() => undefined)]);
  }
  await over;
  socket.destroy();
  return answer;
}

/** A body in the chunked transfer coding: as many chunks of this text, with no end. */
export function* chunks(text: string, count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield `${text.length.toString(16)}\r\n${text}\r\n`;
}
