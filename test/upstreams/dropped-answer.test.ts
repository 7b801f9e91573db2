import { expect, test } from 'vitest';
import { idOfAnswer } from '../../src/upstreams/dropped-answer.ts';

const LONG = 'x'.repeat(1_000);

const idOf = (text: string) => idOfAnswer(Buffer.from(text.slice(0, 128)), Buffer.from(text.slice(-128)));

test.each([
  ['in front', { jsonrpc: '2.0', id: 7, result: { LONG } }],
  ['in front of the version', { id: 7, jsonrpc: '2.0', result: { LONG } }],
  ['at the end', { result: { LONG }, jsonrpc: '2.0', id: 7 }],
  ['at the end, before the version', { result: { LONG }, id: 7, jsonrpc: '2.0' }],
  ['after the version in front', { jsonrpc: '2.0', result: { LONG }, id: 7 }],
  ['of an error', { jsonrpc: '2.0', id: 7, error: { code: 1, message: LONG } }],
])('the id %s', (_, message) => {
  expect(idOf(JSON.stringify(message))).toBe(7);
  expect(idOf(JSON.stringify(message, null, 1).replaceAll('\n', ' '))).toBe(7);
});

test.each([
  ['a request, in front', { jsonrpc: '2.0', id: 7, method: 'sampling/createMessage', params: { LONG } }],
  ['a request, at the end', { method: 'sampling/createMessage', params: { LONG }, jsonrpc: '2.0', id: 7 }],
  ['something within', { jsonrpc: '2.0', method: 'm', params: { result: LONG, id: 7 } }],
  ['something within a result', { result: { LONG, id: 7 } }],
  ['a text', { result: { LONG }, note: ',"id":7}' }],
  ['another kind of request', { jsonrpc: '2.0', id: 'seven', result: { LONG } }],
])('not the id of %s', (_, message) => {
  expect(idOf(JSON.stringify(message))).toBeUndefined();
});
