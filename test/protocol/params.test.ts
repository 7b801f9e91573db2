import { describe, expect, test } from 'vitest';
import { members } from '../../src/protocol/json/scan.ts';
import { messageBytes, readMessage } from '../../src/protocol/message.ts';
import { only, Params, ParamsError } from '../../src/protocol/params.ts';

const request = (params?: string) =>
  readMessage(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m"${params === undefined ? '' : `,"params":${params}`}}`));

const params = (text?: string): Params => new Params(request(text));

test.each(['[]', '"x"', '5', 'null', 'true'])('params %s are refused', (text) => {
  expect(() => params(text)).toThrow(new ParamsError('params must be an object'));
});

test('a request without params has no members', () => {
  const none = params();
  expect(none.find('name')).toBeUndefined();
  expect(none.object('arguments')).toBeUndefined();
  expect(none.value('cursor')).toBeUndefined();
  expect(none.without(new Set(['task']))).toEqual([]);
  expect(none.progressToken()).toBeUndefined();
  expect(() => none.string('name')).toThrow('"name" must be a string');
});

describe('strings', () => {
  test('are decoded, with the place where they stand', () => {
    const message = request('{"name":"a\\u00e9\\/b"}');
    const { text, span } = new Params(message).string('name');
    expect(text).toBe('aé/b');
    expect(message.bytes.toString('utf8', span.start, span.end)).toBe('"a\\u00e9\\/b"');
  });

  test.each(['{"name":5}', '{"name":null}', '{"name":["x"]}', '{"name":{}}', '{}'])('%s has no name', (text) => {
    expect(() => params(text).string('name')).toThrow(new ParamsError('"name" must be a string'));
  });
});

test('what is there twice is refused, also in another spelling, but only when it is looked for', () => {
  const twice = params('{"name":"a","other":1,"n\\u0061me":"b"}');
  expect(() => twice.string('name')).toThrow(new ParamsError('"name" occurs twice'));
  expect(() => twice.find('name')).toThrow('"name" occurs twice');
  expect(twice.value('other')).toBe(1);
});

describe('objects', () => {
  test('give their members', () => {
    expect(
      params('{"ref":{"type":"ref/prompt","name":"x"}}')
        .object('ref')
        ?.map((m) => m.key),
    ).toEqual(['type', 'name']);
  });

  test.each(['[]', '"x"', 'null', '1'])('%s is no object', (text) => {
    expect(() => params(`{"arguments":${text}}`).object('arguments')).toThrow('"arguments" must be an object');
  });
});

describe('the progress token', () => {
  test.each(['7', '-1', '0', '"7"', '""', '12345678901234567890', '"\\u0061"'])('%s is found as spelled', (token) => {
    const message = request(`{"_meta":{"x":1,"progressToken": ${token} }}`);
    const span = new Params(message).progressToken();
    expect(message.bytes.toString('utf8', span?.start, span?.end)).toBe(token);
  });

  test.each(['null', 'true', '{}', '["a"]'])('%s is refused', (token) => {
    expect(() => params(`{"_meta":{"progressToken":${token}}}`).progressToken()).toThrow(
      '"_meta.progressToken" must be a string or an integer',
    );
  });

  test('is looked for in _meta alone', () => {
    expect(params('{"progressToken":1,"_meta":{"x":{"progressToken":2}}}').progressToken()).toBeUndefined();
  });

  test.each([
    ['{"_meta":5}', '"_meta" must be an object'],
    ['{"_meta":{},"_meta":{"progressToken":1}}', '"_meta" occurs twice'],
    ['{"_meta":{"progressToken":1,"progressToken":2}}', '"progressToken" occurs twice'],
  ])('%s is refused', (text, problem) => {
    expect(() => params(text).progressToken()).toThrow(new ParamsError(problem));
  });
});

test('members are taken out, and all the rest is left', () => {
  const message = request('{"name":"x" ,"task":{"ttl":1.0}, "arguments":{"n":1.0}}');
  const edits = new Params(message).without(new Set(['task', 'other']));
  expect(messageBytes(message, edits).toString()).toContain('"params":{"name":"x" ,"arguments":{"n":1.0}}}');
});

test('values are built on request', () => {
  expect(params('{"level":"info","n":[1,{"a":null}]}').value('n')).toEqual([1, { a: null }]);
});

test('only one member of a name', () => {
  const list = members(Buffer.from('{"a":1,"b":2,"a":3}'), 0);
  expect(only(list, 'b')?.start).toBe(11);
  expect(only(list, 'c')).toBeUndefined();
  expect(() => only(list, 'a')).toThrow(new ParamsError('"a" occurs twice'));
});
