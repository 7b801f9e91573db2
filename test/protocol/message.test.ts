import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonSyntaxError } from '../../src/protocol/json/scan.ts';
import {
  compose,
  composeError,
  composeResult,
  idKey,
  type Message,
  messageBytes,
  numberAt,
  rawId,
  readMessage,
  readMessages,
  valueAt,
} from '../../src/protocol/message.ts';
import { objectText, valueText } from './json-arbitraries.ts';

const read = (text: string): Message => readMessage(Buffer.from(text));
const part = (message: Message, span: { start: number; end: number } | undefined): string | undefined =>
  span && message.bytes.toString('utf8', span.start, span.end);

describe('head members', () => {
  test('a request', () => {
    const text = ' {"jsonrpc":"2.0", "id" : 7 ,"method":"tools\\/call","params":{"a":[1]},"x":true} ';
    const message = read(text);
    expect(message).toMatchObject({ versioned: true, duplicate: undefined, idKind: 'integer', method: 'tools/call' });
    expect(rawId(message)).toBe('7');
    expect(part(message, message.params)).toBe('{"a":[1]}');
    expect(part(message, message)).toBe(text.trim());
    expect(messageBytes(message).toString()).toBe(text.trim());
    expect(message.result ?? message.error).toBeUndefined();
  });

  test('responses', () => {
    const success = read('{"jsonrpc":"2.0","id":"a","result":{"big":12345678901234567890}}');
    expect(part(success, success.result)).toBe('{"big":12345678901234567890}');
    const failure = read('{"jsonrpc":"2.0","id":"a","error":{"code":-32603,"message":"no"}}');
    expect(valueAt(failure.bytes, failure.error!)).toEqual({ code: -32603, message: 'no' });
    expect(success.method).toBeUndefined();
  });

  test('a method that is no string is null, a missing one undefined', () => {
    expect(read('{"method":5}').method).toBeNull();
    expect(read('{"method":null}').method).toBeNull();
    expect(read('{}').method).toBeUndefined();
  });

  test.each([
    ['"2.0"', true],
    ['"2.00"', false],
    ['"1.0"', false],
    ['2.0', false],
    ['null', false],
  ])('jsonrpc %s is version 2.0: %j', (version, versioned) => {
    expect(read(`{"jsonrpc":${version}}`).versioned).toBe(versioned);
  });

  test('whatever the other members are, their bytes are kept', () => {
    fc.assert(
      fc.property(objectText, valueText, (params, extra) => {
        const text = `{"jsonrpc":"2.0","extra":${extra},"params":${params},"method":"m"}`;
        const message = read(text);
        expect(part(message, message.params)).toBe(Buffer.from(params).toString());
        expect(messageBytes(message)).toEqual(Buffer.from(text));
      }),
      { numRuns: 100 },
    );
  });

  test.each(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])('a second "%s" is told', (key) => {
    expect(read(`{"${key}":"2.0","x":1,"${key}":"2.0"}`).duplicate).toBe(key);
    const escaped = `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
    expect(read(`{"${key}":1,"${escaped}":2}`).duplicate).toBe(key);
    expect(read(`{"${key}":{"${key}":1},"x":1,"x":2}`).duplicate).toBeUndefined();
  });
});

describe('ids', () => {
  test.each([
    ['', 'absent'],
    ['"id":"a",', 'string'],
    ['"id":"",', 'string'],
    ['"id":0,', 'integer'],
    ['"id":-1,', 'integer'],
    ['"id":1.0,', 'integer'],
    ['"id":1e3,', 'integer'],
    ['"id":12345678901234567890,', 'integer'],
    ['"id":1.5,', 'other'],
    ['"id":1e400,', 'other'],
    ['"id":true,', 'other'],
    ['"id":{},', 'other'],
    ['"id":[1],', 'other'],
    ['"id":null,', 'null'],
  ])('{%s…} is %s', (id, kind) => {
    expect(read(`{${id}"method":"m"}`).idKind).toBe(kind);
  });

  test.each(['"a\\u0062"', '7.0', '-0', '12345678901234567890', '"ä😀"', '1E2'])('%s keeps its spelling', (id) => {
    const message = read(`{"id": ${id} ,"method":"m"}`);
    expect(rawId(message)).toBe(id);
    expect(composeResult(rawId(message)!, '{}').toString()).toBe(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  });

  test('equal values of one type have one key, however they are spelled', () => {
    const integers = fc
      .maxSafeInteger()
      .chain((value) =>
        fc
          .constantFrom(
            String(value),
            `${value}.0`,
            `${value}e0`,
            `${value}.00E+0`,
            Object.is(value, 0) ? '-0' : `${value}`,
          )
          .map((raw) => ({ value: value as number | string, raw })),
      );
    const escaped = (text: string) =>
      `"${Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`;
    const strings = fc
      .string({ unit: fc.constantFrom('a', '1', 'é', '"', '\\', '/', '\n'), maxLength: 3 })
      .chain((value) =>
        fc
          .constantFrom(JSON.stringify(value), escaped(value), JSON.stringify(value).replaceAll('/', '\\/'))
          .map((raw) => ({ value: value as number | string, raw })),
      );
    const ids = fc.oneof(
      integers,
      fc.constantFrom(0, 1, 10).map((value) => ({ value, raw: `${value}` })),
      strings,
    );
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        expect(idKey(a.raw) === idKey(b.raw)).toBe(a.value === b.value);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['"1"', '1'],
    ['12345678901234567890', '12345678901234567891'],
    ['9007199254740993', '9007199254740992'],
    ['"a"', '"A"'],
    ['"null"', 'null'],
  ])('%s and %s are different ids', (a, b) => {
    expect(idKey(a)).not.toBe(idKey(b));
  });

  test.each([
    ['"a"', '"\\u0061"'],
    ['"a/b"', '"a\\/b"'],
    ['1', '1.0'],
    ['0', '-0'],
    ['100', '1e2'],
  ])('%s and %s are one id', (a, b) => {
    expect(idKey(a)).toBe(idKey(b));
  });
});

describe('batches', () => {
  test('every object is a message of its own, everything else undefined', () => {
    const text = '[{"id":1,"method":"a"}, 5, [], null, {"id":"b","result":{}} ]';
    const batch = readMessages(Buffer.from(text)) as (Message | undefined)[];
    expect(batch.map((m) => m && messageBytes(m).toString())).toEqual([
      '{"id":1,"method":"a"}',
      undefined,
      undefined,
      undefined,
      '{"id":"b","result":{}}',
    ]);
    expect(batch.map((m) => m && rawId(m))).toEqual(['1', undefined, undefined, undefined, '"b"']);
    expect(batch[4]!.method).toBeUndefined();
  });

  test('an element can be edited by itself', () => {
    const [, second] = readMessages(Buffer.from('[{"id":1},{"id":2,"x":3}]')) as Message[];
    expect(messageBytes(second!, [{ ...second!.id!, text: '"z"' }]).toString()).toBe('{"id":"z","x":3}');
  });

  test('an empty batch is an empty array', () => {
    expect(readMessages(Buffer.from(' [ ] '))).toEqual([]);
  });
});

describe('what is no message', () => {
  test.each(['5', '"x"', 'null', 'true', ' 1.5 '])('%s is JSON, but neither object nor array', (text) => {
    expect(readMessages(Buffer.from(text))).toBeUndefined();
    expect(() => read(text)).toThrow('expected a JSON object');
  });

  test.each(['', ' ', '{', '{}{}', '[] []', '{"a":1} x', '\uFEFF{}', '{"id":01}'])('%j is not JSON', (text) => {
    expect(() => readMessages(Buffer.from(text))).toThrow(JsonSyntaxError);
  });

  test('a batch is not one message', () => {
    expect(() => read('[{}]')).toThrow('expected a JSON object');
  });

  test('bytes that are not UTF-8, wherever they are', () => {
    const broken = Buffer.concat([Buffer.from('{"method":"m","params":{"a":"'), Buffer.of(0xc3), Buffer.from('"}}')]);
    expect(() => readMessages(broken)).toThrow('invalid UTF-8');
    // an overlong form and a surrogate, which decoders are known to let pass
    for (const bytes of [Buffer.of(0x22, 0xc0, 0xaf, 0x22), Buffer.of(0x22, 0xed, 0xa0, 0x80, 0x22)]) {
      expect(() => readMessages(bytes)).toThrow('invalid UTF-8');
    }
  });

  test('what is nested deeper than asked for, in a message and in a batch', () => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`;
    expect(() => readMessages(Buffer.from(deep(8)), 8)).not.toThrow();
    expect(() => readMessages(Buffer.from(deep(9)), 8)).toThrow(expect.objectContaining({ tooDeep: true }));
    expect(() => readMessages(Buffer.from(`[${deep(7)}]`), 8)).not.toThrow();
    expect(() => readMessages(Buffer.from(`[${deep(8)}]`), 8)).toThrow(expect.objectContaining({ tooDeep: true }));
  });
});

describe('messages of our own', () => {
  test('requests and notifications', () => {
    expect(compose('ping', undefined, 1).toString()).toBe('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    expect(compose('a/b', { x: 'é' }, 'i').toString()).toBe(
      '{"jsonrpc":"2.0","id":"i","method":"a/b","params":{"x":"é"}}',
    );
    expect(read(compose('n').toString())).toMatchObject({ idKind: 'absent', method: 'n', params: undefined });
  });

  test('a result is its bytes, whatever is in them', () => {
    fc.assert(
      fc.property(valueText, fc.boolean(), (result, asBytes) => {
        const out = composeResult('"x"', asBytes ? Buffer.from(result) : result);
        expect(out).toEqual(Buffer.from(`{"jsonrpc":"2.0","id":"x","result":${result}}`));
      }),
      { numRuns: 100 },
    );
  });

  test('an error echoes a readable id and leaves the member out otherwise', () => {
    const error = { code: -32600, message: 'not "good"' };
    expect(composeError('"a"', error).toString()).toBe(
      '{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"not \\"good\\""}}',
    );
    expect(JSON.parse(composeError(undefined, { ...error, data: { x: 1 } }).toString())).toEqual({
      jsonrpc: '2.0',
      error: { ...error, data: { x: 1 } },
    });
  });
});

describe('ids as numbers', () => {
  const numbered = (text: string): number => numberAt(Buffer.from(text), { start: 0, end: Buffer.byteLength(text) });

  test('as JSON reads them, whatever their spelling', () => {
    const ids = fc.oneof(
      fc.nat(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: 0n, max: 10n ** 20n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    fc.assert(
      fc.property(ids.map(String), (text) => void expect(numbered(text)).toBe(JSON.parse(text))),
      {
        examples: [['0'], ['999999999999999'], ['1000000000000000'], ['9007199254740993'], ['-0'], ['1e3'], ['1.50']],
      },
    );
  });

  test.each([
    ['"7"', 7],
    ['"7.0"', 7],
    ['null', Number.NaN],
    ['true', Number.NaN],
    ['[7]', Number.NaN],
    ['{}', Number.NaN],
    ['"x"', Number.NaN],
  ])('%s', (text, number) => {
    expect(numbered(text)).toBe(number);
  });
});
