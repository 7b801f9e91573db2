import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors.ts';
import { refusedAnswer } from '../../src/protocol/codec.ts';
import { whole } from '../../src/protocol/json/pieces.ts';
import { answerOf } from '../../src/protocol/legacy/answer.ts';
import { legacyRequest } from '../../src/protocol/legacy/codec.ts';
import { type Message, readMessage } from '../../src/protocol/message.ts';
import { legacyMethods } from '../../src/protocol/methods.ts';
import { makeCall } from '../upstreams/calls.ts';
import { objectText } from './json-arbitraries.ts';

const response = (members: string): Message => readMessage(Buffer.from(`{"jsonrpc":"2.0",${members}}`));

describe('requests', () => {
  test('only the id and the progress token change; every other byte is the client\u2019s', () => {
    fc.assert(
      fc.property(objectText, fc.constantFrom('7', '"7"', '"\\u0061"', '-1'), fc.nat(), (args, token, id) => {
        const spelled = (theId: string, theToken: string): string =>
          `{"id": ${theId}, "params":{"_meta":{"k":1.0,"progressToken":${theToken} },"name":"x","arguments":${args}} ,"jsonrpc":"2.0","method":"tools/call"}`;
        const { call } = makeCall(spelled('"client"', token));
        const { body, headers } = legacyRequest(call, id);
        expect(whole(body).toString()).toBe(Buffer.from(spelled(String(id), String(id))).toString());
        expect(headers).toEqual({});
      }),
      { numRuns: 100 },
    );
  });

  test('the edits of the call are applied with them', () => {
    const { call } = makeCall('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__x"}}');
    const at = call.message.bytes.indexOf('"up__x"');
    call.edits.push({ start: at, end: at + 7, text: '"x"' });
    expect(whole(legacyRequest(call, 12).body).toString()).toBe(
      '{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"x"}}',
    );
  });

  test('the methods of the era and no others', () => {
    expect(legacyMethods.size).toBe(17);
    for (const method of ['server/discover', 'subscriptions/listen', 'tasks/update', 'toString', '']) {
      expect(legacyMethods.has(method)).toBe(false);
    }
  });
});

test.each([
  ['"id":1,"result":{}', undefined],
  ['"id":1,"error":{"code":1}', undefined],
  ['"id":1,"result":[]', '"result" is no object'],
  ['"id":1,"result":null', '"result" is no object'],
  ['"id":1,"error":"no"', '"error" is no object'],
  ['"id":1', 'neither "result" nor "error"'],
])('an answer with %s: %s', (members, why) => {
  expect(refusedAnswer(response(members))).toBe(why);
});

describe('answers for the client', () => {
  const call = { id: '"client\\u0021"' };

  test('the upstream\u2019s bytes under the client\u2019s own id', () => {
    const message = response('"id":5 , "result":{"n":1.0,"id":5}');
    expect(whole(answerOf(call, { kind: 'complete', message })).toString()).toBe(
      '{"jsonrpc":"2.0","id":"client\\u0021" , "result":{"n":1.0,"id":5}}',
    );
  });

  test('with the edits of the outcome', () => {
    const message = response('"result":{"uri":"a"},"id":5');
    const at = message.bytes.indexOf('"a"');
    const edits = [{ start: at, end: at + 3, text: '"up+a"' }];
    expect(whole(answerOf(call, { kind: 'complete', message, edits })).toString()).toBe(
      '{"jsonrpc":"2.0","result":{"uri":"up+a"},"id":"client\\u0021"}',
    );
  });

  test('results and errors of our own', () => {
    expect(whole(answerOf(call, { kind: 'local', result: '{"a":1}' })).toString()).toBe(
      '{"jsonrpc":"2.0","id":"client\\u0021","result":{"a":1}}',
    );
    const error = new Fault('unknownTool', { name: 'x' }, { hint: 1 });
    expect(JSON.parse(whole(answerOf(call, { kind: 'error', error })).toString())).toEqual({
      jsonrpc: '2.0',
      id: 'client!',
      error: { code: -32602, message: 'Unknown tool: x', data: { hint: 1 } },
    });
  });
});
