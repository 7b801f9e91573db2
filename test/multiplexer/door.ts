/** A host that speaks HTTP+SSE of 2024-11-05 only, by hand. */
import { expect } from 'vitest';
import { HttpStream } from './http-stream.ts';
import { poll } from './until.ts';

export const JSON_TYPE = { 'content-type': 'application/json' };

/** GET; resolves when the head of the answer is there. */
export const get = (url: string, headers: Record<string, string> = {}) =>
  HttpStream.open(url, { method: 'GET', headers: { accept: 'text/event-stream', ...headers } });

/** An open door. */
export interface Door {
  readonly stream: HttpStream;
  /** The address that it names. */
  readonly post: URL;
}

/** Opens the door at this URL. */
export async function knock(url: string, headers: Record<string, string> = {}): Promise<Door> {
  const stream = await get(url, headers);
  await poll(() => stream.events.length).toBeGreaterThan(0);
  const [first] = stream.events;
  expect(first).toMatchObject({ name: 'endpoint', id: undefined });
  return { stream, post: new URL(first!.data, url) };
}

/** POSTs one message. @returns the answer to the POST, once it is over */
export async function post(
  url: URL | string,
  message: object,
  headers: Record<string, string> = {},
): Promise<HttpStream> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return (await HttpStream.open(String(url), { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body })).ended();
}

export const initialize = {
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'door', version: '1' } },
};

/** Opens the door and shakes hands. */
export async function enter(url: string): Promise<Door> {
  const door = await knock(url);
  await post(door.post, initialize);
  await door.stream.response(0);
  await post(door.post, { method: 'notifications/initialized' });
  return door;
}
