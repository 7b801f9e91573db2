/** What the headers of a request must say: Content-Type, Accept, MCP-Protocol-Version. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import type { Exchange, SendOptions } from './exchange.ts';
import { expectRefusal } from './refusal.ts';

let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  gateway = await startGateway({ config: { upstreams: {} } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
});

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

describe('Content-Type', () => {
  const typed = (type: string | undefined): Promise<Exchange> => session.post(PING, { 'content-type': type });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON',
  ])('#6 %s is accepted', async (type) => {
    expect((await typed(type)).message.result).toEqual({});
  });

  test.each([
    'text/plain',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/json-patch+json',
    'json',
  ])('#6 %s → 415', async (type) => {
    expectRefusal(await typed(type), 415, -32000);
  });

  test('#6 none at all → 415', async () => {
    expectRefusal(await typed(undefined), 415, -32000);
  });
});

describe('Accept', () => {
  const accepting = (accept: string | undefined) => session.post(PING, { accept });

  test.each(['application/json', 'text/event-stream', 'text/html', 'application/*'])('%s → 406', async (accept) => {
    const answer = await accepting(accept);
    expect({ status: answer.status, code: answer.message.error?.code }).toEqual({ status: 406, code: -32000 });
    expect(answer.message.error?.message).toMatch(/application\/json and text\/event-stream/);
  });

  test.each(['*/*', 'text/event-stream, application/json;q=0.9', 'application/*, text/*', undefined])(
    '%s is served',
    async (accept) => {
      expect((await accepting(accept)).message.result).toEqual({});
    },
  );

  test('GET without text/event-stream → 406', async () => {
    const answer = await session.send({ method: 'GET', headers: { accept: 'application/json' } });
    expect(answer.status).toBe(406);
  });
});

describe('MCP-Protocol-Version', () => {
  const versioned = (version: string, options: SendOptions = { body: PING }) =>
    session.send({ ...options, headers: { ...options.headers, 'mcp-protocol-version': version } });

  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', ' 2025-11-25 '])(
    '%s is accepted whatever was negotiated',
    async (version) => {
      const answer = await versioned(version);
      await answer.ended();
      expect(answer.message.result).toEqual({});
    },
  );

  test('one that is not supported → 400 naming those that are, on POST, GET and DELETE', async () => {
    const stream = { method: 'GET', headers: { accept: 'text/event-stream' } };
    for (const options of [{ body: PING }, stream, { method: 'DELETE' }]) {
      const answer = await versioned('2025-01-01', options);
      await answer.ended();
      expect(answer.status, options.method).toBe(400);
      expect(answer.message.error?.message).toMatch(/2024-11-05.*2025-03-26.*2025-06-18.*2025-11-25/);
    }
    expect(await session.result('ping')).toEqual({});
  });
});
