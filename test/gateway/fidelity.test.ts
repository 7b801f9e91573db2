/** What the gateway does not understand passes through as it came, both ways. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { WEIRD_SPELLINGS } from '../fixtures/peer/weird.ts';
import { firstText, Session } from './client.ts';
import { event, type Handler, json, type ScriptedUpstream, startUpstream } from './scripted-upstream.ts';

/** Numbers and strings whose spelling a round trip through JavaScript values changes, with blanks between. */
const SPELLED =
  '{"big":12345678901234567890, "one":1.0,"exp":1E+2,\t"zero":-0,"tiny":1e-400,"escaped":"\\u0041\\/\\ud800","":{},"a":[ ]}';

const schema = (host: string) => `{
  "$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:x","type":"object","$defs":{"d":{"$anchor":"here","minimum":1.0}},
  "properties":{"r":{"$ref":"${host}/remote.json"},"l":{"$ref":"#/$defs/d"},"d":{"$dynamicRef":"#here","default":12345678901234567890}},
  "additionalProperties":false,"unevaluatedProperties":true,"x-vendor":[1e2],"if":{},"required":[]}`;

const item = (name: string, host: string) =>
  `{ "title":"T", "name":"${name}", "inputSchema":${schema(host)},"outputSchema":${schema(host)},"annotations":{"readOnlyHint":true,"x":null},"icons":[{"src":"data:,"}],"_meta":{"example.com/k":1.0},"unknown":[{}] }`;

let fetched = 0;
const remote = createServer((_, res) => {
  fetched++;
  res.end('{}');
});
let host: string;
let scripted: ScriptedUpstream;
let peer: HttpFixture;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(remote.address() as AddressInfo).port}`;
  scripted = await startUpstream({ tools: [item('t', host)], prompts: [{ name: 'p' }] });
  peer = await startFixture('peer-server');
  const upstreams = {
    s: { url: scripted.url },
    rawStdio: stdioUpstream('raw-upstream', ['plain']),
    peerHttp: { url: peer.url },
    peerStdio: stdioUpstream('peer-server'),
  };
  gateway = await startGateway({ config: { upstreams } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await scripted?.close();
  await peer?.stop();
  remote.close();
});

/** Calls the scripted tool, which answers in this way. @returns the whole body */
async function callScripted(handler: Handler): Promise<string> {
  scripted.script.handlers = { 'tools/call': handler };
  const answer = await session.call('s__t', {}, { id: 1 });
  await answer.ended();
  return answer.text;
}

describe('items of lists', () => {
  test('#81 every byte but the name is the upstream’s; a remote $ref is never fetched', async () => {
    const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    expect(answer.text).toContain(item('s__t', host));
    await session.callText('peerHttp__echo');
    expect(fetched).toBe(0);
  });
});

describe('to the upstream', () => {
  const request = (params: string) => session.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);

  test.each(['s__t', 'rawStdio__raw'])(
    '#82 #83 %s gets arguments and unknown members as they were sent',
    async (name) => {
      scripted.script.handlers = { 'tools/call': ({ raw }) => ({ content: [{ type: 'text', text: raw }] }) };
      const before = `{"_meta":{"example.com/k":${SPELLED},"traceparent":"00-x"},"unknown":1.0,"name":`;
      const after = `,"arguments":${SPELLED}}`;
      const answer = await request(`${before}"${name}"${after}`);
      const got = firstText(answer.response(1).result ?? {});
      expect(got).toContain(`"params":${before}"${name.split('__')[1]}"${after}`);
    },
  );

  test('#82 unknown members beside params as well', async () => {
    scripted.script.handlers = { 'tools/call': ({ raw }) => ({ content: [{ type: 'text', text: raw }] }) };
    const answer = await session.post(
      `{"extension":${SPELLED},"method":"tools/call","params":{"name":"s__t"},"id":"x","jsonrpc":"2.0"}`,
    );
    const got = firstText(answer.response('x').result ?? {});
    expect(got).toMatch(/"params":\{"name":"t"\}/);
    expect(got).toContain(`{"extension":${SPELLED},`);
  });

  test('newlines between members reach a stdio upstream as one line', async () => {
    const pretty = JSON.stringify({ name: 'rawStdio__raw', arguments: { text: 'a\nb', list: [1, 2] } }, null, 2);
    const got = firstText((await request(pretty)).response(1).result ?? {});
    expect(got).not.toContain('\n');
    expect(JSON.parse(got)).toMatchObject({ params: { name: 'raw', arguments: { text: 'a\nb', list: [1, 2] } } });
  });
});

describe('to the client', () => {
  test.each(['peerHttp', 'peerStdio'])(
    '#82 #83 the result of %s has its spelling and everything unknown',
    async (name) => {
      const answer = await session.call(`${name}__weird`, {}, { id: 1 });
      await answer.ended();
      for (const spelling of WEIRD_SPELLINGS) expect(answer.text.split(spelling)).toHaveLength(3);
      expect(answer.message.result).toMatchObject({
        content: [
          { type: 'hologram', payload: { depth: 3 }, uri: 'hologram://1' },
          { type: 'text', text: 'plain', flavour: 'unknown field', annotations: { priority: 0.5, shade: 'blue' } },
        ],
        _meta: { 'example.com/unknown': { kept: true } },
        unknownMember: ['kept', { too: true }],
      });
    },
  );

  test('#83 a result is the bytes that came', async () => {
    const result = `{ "content":[ ],"structuredContent":${SPELLED},"_meta":{"k":${SPELLED}} }`;
    const body = await callScripted(({ id }, res) =>
      json(res, `{"jsonrpc":"2.0","id":${String(id)},"result":${result}}`),
    );
    expect(body).toContain(`"result":${result}`);
  });

  test('#82 so is an error, with its code and data', async () => {
    const error = `{"code":-31999,"message":"m\\u00fc","data":${SPELLED},"more":[1.0]}`;
    const body = await callScripted(({ id }, res) =>
      json(res, `{"error":${error},"id":${String(id)},"jsonrpc":"2.0"}`),
    );
    expect(body).toContain(`"error":${error}`);
    expect(JSON.parse(body)).toMatchObject({ id: 1, jsonrpc: '2.0' });
  });

  test('#83 so is progress, but for the token', async () => {
    scripted.script.handlers = {
      'tools/call': ({ id, params }, res) => {
        const { progressToken } = (params as { _meta: { progressToken: unknown } })._meta;
        const params_ = `{"more":${SPELLED},"progressToken":${JSON.stringify(progressToken)},"progress":1.0}`;
        event(res, `{"jsonrpc":"2.0","method":"notifications/progress","params":${params_}}`);
        event(res, { jsonrpc: '2.0', id, result: { content: [] } });
        res.end();
        return undefined;
      },
    };
    const answer = await session.call('s__t', {}, { id: 1, progressToken: 'mine' });
    await answer.ended();
    expect(answer.texts[0]).toContain(`"params":{"more":${SPELLED},"progressToken":"mine","progress":1.0}`);
  });

  test('a message on several lines becomes one line of a stream', async () => {
    scripted.script.handlers = {
      'tools/call': ({ id, params }, res) => {
        const { _meta } = params as { _meta: object };
        const pretty = (message: object) => event(res, JSON.stringify({ jsonrpc: '2.0', ...message }, null, 2));
        pretty({ method: 'notifications/progress', params: { ..._meta, progress: 1 } });
        pretty({ id, result: { content: [{ type: 'text', text: 'two\nlines' }] } });
        res.end();
        return undefined;
      },
    };
    const answer = await session.call('s__t', {}, { id: 1, progressToken: 1 });
    await answer.ended();
    expect(answer.texts).toHaveLength(2);
    for (const text of answer.texts) expect(text).not.toContain('\n');
    expect(firstText(answer.response(1).result ?? {})).toBe('two\nlines');
  });

  test.each(['peerHttp', 'peerStdio'])('a result of 5 MB from %s arrives whole', async (name) => {
    const bytes = 5_000_000;
    const text = await session.callText(`${name}__big`, { bytes });
    expect(text.length).toBe(bytes);
    expect(text).toBe('x'.repeat(bytes));
  });
});
