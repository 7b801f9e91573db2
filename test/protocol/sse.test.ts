import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isMessage,
  SSE_HEAD,
  SSE_KEEPALIVE,
  type SseEvent,
  SseParser,
  singleLine,
  sseMessage,
  ssePriming,
  sseRetry,
} from '../../src/protocol/sse.ts';
import { documentText } from './json-arbitraries.ts';

const LIMIT = 1_000_000;

/** Parses chunks; each is overwritten afterwards, as a transport does that reuses its memory. */
function parse(chunks: readonly Buffer[], limit = LIMIT): SseEvent[] {
  const events: SseEvent[] = [];
  const parser = new SseParser((event) => events.push(event), limit);
  for (const chunk of chunks) {
    const reused = Buffer.from(chunk);
    parser.push(reused);
    reused.fill(0x21);
  }
  return events;
}

const text = (stream: string, limit?: number): SseEvent[] => parse([Buffer.from(stream)], limit);
const data = (events: readonly SseEvent[]): string[] => events.map((event) => event.data.toString());

/** Cuts at the given offsets. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((n) => n % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

interface Expected {
  readonly data: string[];
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly retry: number | undefined;
}

const fieldText = fc.string({ unit: fc.constantFrom('a', '{', ' ', ':', 'é', '😀', '\t', '"'), maxLength: 6 });

/** One event as its text, in one of the three line endings, with what must come out. */
const eventText = fc
  .record({
    data: fc.array(fieldText, { maxLength: 3 }),
    event: fc.option(fieldText, { nil: undefined }),
    id: fc.option(fieldText, { nil: undefined }),
    retry: fc.option(fc.nat({ max: 99_999 }), { nil: undefined }),
    noise: fc.array(fc.constantFrom(': comment', ':', 'flavour: x', 'flavour', 'retry: 1s', 'id: a\0b', 'DATA: x')),
    end: fc.constantFrom('\n', '\r', '\r\n'),
    space: fc.boolean(),
  })
  .chain(({ noise, end, space, ...event }) => {
    const line = (field: string, value: string): string =>
      `${field}:${space || value.startsWith(' ') ? ' ' : ''}${value}`;
    const fields = [
      ...event.data.map((value) => line('data', value)),
      ...(event.event === undefined ? [] : [line('event', event.event)]),
      ...(event.id === undefined ? [] : [line('id', event.id)]),
      ...(event.retry === undefined ? [] : [line('retry', String(event.retry))]),
    ];
    // data keeps its order, everything else may stand anywhere; an event has at least one line
    const others = fc.shuffledSubarray(noise, { minLength: noise.length });
    return others.map((between) => {
      const lines = [...between, ...fields, ': last'];
      return { text: `${lines.join(end)}${end}${end}`, event: event as Expected };
    });
  });

const stream = fc
  .record({ bom: fc.boolean(), events: fc.array(eventText, { maxLength: 5 }) })
  .map(({ bom, events }) => ({
    bytes: Buffer.from((bom ? '\uFEFF' : '') + events.map((e) => e.text).join('')),
    expected: events
      .map((e) => e.event)
      .filter((e) => e.data.length > 0 || e.id !== undefined || e.retry !== undefined)
      .map((e) => ({ ...e, data: Buffer.from(e.data.join('\n')) })),
  }));

describe('parsing', () => {
  test('#155 the same events whatever the line endings and wherever the chunks are cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 8 }), ({ bytes, expected }, places) => {
        expect(parse([bytes])).toEqual(expected);
        expect(parse(cut(bytes, places))).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  });

  test('#155 every single split point of a stream with all of it: BOM, CR, LF, CRLF, comments, several data lines', () => {
    const message = '{"text":"größe 😀 読む"}';
    const bytes = Buffer.from(
      [
        '\uFEFF: hello\r\n\r\n',
        `id: 1\r\nevent: message\r\ndata: ${message}\r\n\r\n`,
        `retry: 250\rid: é2\rdata:{"a":\rdata: 1}\r\r`,
        `data: ${message}\n\n`,
        ': bye\n\n',
      ].join(''),
    );
    const expected = [
      { data: Buffer.from(message), event: 'message', id: '1', retry: undefined },
      { data: Buffer.from('{"a":\n1}'), event: undefined, id: 'é2', retry: 250 },
      { data: Buffer.from(message), event: undefined, id: undefined, retry: undefined },
    ];
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(expected);
    }
    expect(parse([...bytes].map((byte) => Buffer.of(byte))), 'byte by byte').toEqual(expected);
  });

  test('#155 a chunk that ends inside a character', () => {
    const bytes = Buffer.from('data: 😀\n\n');
    for (const at of [7, 8, 9]) expect(data(parse([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(['😀']);
  });

  test('chunks without any bytes change nothing', () => {
    const empty = Buffer.alloc(0);
    expect(
      data(parse([empty, Buffer.from('data: a\r'), empty, Buffer.from('\n\r'), empty, Buffer.from('\n')])),
    ).toEqual(['a']);
  });

  test('a CR at the end of a chunk ends the line at once', () => {
    expect(data(parse([Buffer.from('data: a\r\r')]))).toEqual(['a']);
    expect(data(parse([Buffer.from('data: a\r\r'), Buffer.from('\ndata: b\r\n\r\n')]))).toEqual(['a', 'b']);
  });

  test('one space after the colon is no part of the value, a second one is', () => {
    expect(data(text('data:a\n\ndata: a\n\ndata:  a\n\n'))).toEqual(['a', 'a', ' a']);
  });

  test('a line without a colon is a field without a value', () => {
    expect(data(text('data\n\ndata\ndata\n\n'))).toEqual(['', '\n']);
  });

  test('an unfinished event is no event', () => {
    expect(text('data: a')).toEqual([]);
    expect(text('data: a\n')).toEqual([]);
    expect(text('data: a\r\n')).toEqual([]);
  });

  test('a byte order mark counts at the very beginning only', () => {
    expect(data(text('\uFEFFdata: a\n\n\uFEFFdata: b\n\ndata: \uFEFFc\n\n'))).toEqual(['a', '\uFEFFc']);
  });

  test('an id or a retry time without data is told; a mere event name or a comment is not', () => {
    expect(text('id: 7\n\n')).toMatchObject([{ id: '7', data: Buffer.alloc(0) }]);
    expect(text('retry: 10\n\n')).toMatchObject([{ retry: 10, id: undefined }]);
    expect(text('event: x\n\n: y\n\n\n\n')).toEqual([]);
    expect(text('id:\n\n')).toMatchObject([{ id: '' }]);
  });

  test('fields do not leak into the next event', () => {
    expect(text('event: x\nid: 1\nretry: 5\ndata: a\n\ndata: b\n\n').at(-1)).toEqual({
      data: Buffer.from('b'),
      event: undefined,
      id: undefined,
      retry: undefined,
    });
  });

  test.each([
    'retry: 1.5',
    'retry: -1',
    'retry: 1e3',
    'retry:  5',
    'retry: ',
    'retry: 9999999999',
    'id: a\0b',
    'ID: 1',
  ])('%j is ignored', (line) => {
    expect(text(`${line}\ndata: a\n\n`)).toEqual([
      { data: Buffer.from('a'), event: undefined, id: undefined, retry: undefined },
    ]);
  });
});

describe('what is a message', () => {
  test.each([
    ['data: {}\n\n', true],
    ['event: message\ndata: {}\n\n', true],
    ['event:\ndata: {}\n\n', true],
    ['event: heartbeat\ndata: {}\n\n', false],
    ['event: Message\ndata: {}\n\n', false],
    ['id: 1\ndata: \n\n', false],
    ['id: 1\n\n', false],
    ['retry: 5\ndata\n\n', false],
  ])('%j: %j', (stream, message) => {
    expect(text(stream).map(isMessage)).toEqual([message]);
  });
});

describe('the size limit', () => {
  const event = (bytes: number): Buffer => Buffer.from(`data: ${'x'.repeat(bytes)}\n\n`);
  const byByte = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.of(byte));
  const tooLarge = 'a server-sent event is larger than 100 bytes';

  test.each([
    ['in one piece', (bytes: Buffer) => [bytes]],
    ['in halves', (bytes: Buffer) => [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)]],
    ['byte by byte', byByte],
  ])('is about the event, not about how it arrives: %s', (_, chunks) => {
    // 6 bytes are for the name of the field
    expect(parse(chunks(event(94)), 100)).toHaveLength(1);
    expect(() => parse(chunks(event(101)), 100)).toThrow(new RangeError(tooLarge));
  });

  test('is about one event: a long stream of small ones passes', () => {
    const many = Buffer.concat(Array.from({ length: 50 }, () => Buffer.concat([event(60), SSE_KEEPALIVE])));
    expect(parse([many], 100)).toHaveLength(50);
    expect(parse(byByte(many), 100)).toHaveLength(50);
  });

  test('counts all data lines of an event together, and the line breaks between them', () => {
    expect(() => text(`${'data: 0123456789\n'.repeat(11)}\n`, 100)).toThrow(RangeError);
    expect(() => text('data\n'.repeat(200), 100)).toThrow(RangeError);
    expect(() => parse(byByte(Buffer.from('data:\n'.repeat(200))), 100)).toThrow(RangeError);
  });

  test('holds for a line that never ends', () => {
    expect(() =>
      parse(
        Array.from({ length: 20 }, () => Buffer.from('0123456789')),
        100,
      ),
    ).toThrow(tooLarge);
  });

  test('comments that are never followed by an event take no room', () => {
    expect(() => parse(byByte(Buffer.from(': 0123456789\n'.repeat(100))), 100)).not.toThrow();
  });
});

describe('writing', () => {
  test('a message comes out as it went in, on one line, whatever white space it has', () => {
    fc.assert(
      fc.property(documentText, fc.option(fc.stringMatching(/^[\w.-]+$/), { nil: undefined }), (json, id) => {
        const written = sseMessage(Buffer.from(json), id);
        const [event, ...more] = parse([written]);
        expect(more).toEqual([]);
        expect(event).toMatchObject({ event: 'message', id });
        expect(event?.data.toString()).toBe(Buffer.from(json.replace(/[\r\n]/g, ' ')).toString());
        expect(written.toString().match(/^data:/gm)).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });

  test('the exact bytes', () => {
    expect(sseMessage(Buffer.from('{"a":1}')).toString()).toBe('event: message\ndata: {"a":1}\n\n');
    expect(sseMessage(Buffer.from('{\n"a":1}'), 's.1').toString()).toBe('id: s.1\nevent: message\ndata: { "a":1}\n\n');
  });

  test('one line is kept as it is; the original of another is left alone', () => {
    const one = Buffer.from('{"a":"\\n"}');
    expect(singleLine(one)).toBe(one);
    const two = Buffer.from('{\r\n}');
    expect(singleLine(two).toString()).toBe('{  }');
    expect(two.toString()).toBe('{\r\n}');
  });

  test('a priming event has an id, a time to come back after and empty data', () => {
    expect(text(ssePriming('s.0', 1_500))).toEqual([
      { data: Buffer.alloc(0), event: undefined, id: 's.0', retry: 1_500 },
    ]);
    expect(text(sseRetry(20))).toMatchObject([{ retry: 20, id: undefined }]);
  });

  test('what keeps a stream open is no event', () => {
    expect(parse([SSE_KEEPALIVE])).toEqual([]);
  });

  test('proxies are told to leave the stream alone', () => {
    expect(SSE_HEAD).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
  });
});
