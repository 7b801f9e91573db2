/** Arbitraries for JSON-RPC as text: from odd but right over wrong to no JSON at all. */
import fc from 'fast-check';
import { damagedText, objectText, stringText, valueText } from '../protocol/json-arbitraries.ts';

/** Spellings of ids and tokens that parsers, tables and logs trip over. */
const ODD_IDS = [
  ...['0', '-0', '-1', '1.0', '1e0', '1E+2', '-0.0', '0.5', '1e400', '-1e400', '5e-324', '9007199254740993'],
  ...['123456789012345678901234567890', 'null', 'true', 'false', '[]', '{}', '[1]', '{"id":1}'],
  '{"toString":0,"valueOf":0}',
  ...['""', '"1"', '"\\u0031"', '"__proto__"', '"constructor"', '"toString"', '"NaN"', '"Infinity"'],
  ...['"\\ud800"', '"\\u0000"', '"\\"\\\\\\n\\r"', '"\\r\\n\\r\\ndata: x"', '"a\u2028b"', '"</script>"', '"😀"'],
];

/** The text of an id or token of any kind and size, wrong ones too. */
export const idText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ODD_IDS) },
  { weight: 2, arbitrary: fc.integer().map(String) },
  fc.bigInt().map(String),
  { weight: 2, arbitrary: stringText },
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => JSON.stringify(text)),
  fc.nat({ max: 20_000 }).map((length) => JSON.stringify('x'.repeat(length))),
);

/** Whether JSON-RPC and MCP allow this as the id of a request. */
export function isRequestId(text: string): boolean {
  const value: unknown = JSON.parse(text);
  return typeof value === 'string' || Number.isInteger(value);
}

/** The text of an id that a request may have. */
export const requestIdText: fc.Arbitrary<string> = idText.filter(isRequestId);

/** An array or object nested this deep. */
export const nested = (depth: number, array: boolean): string =>
  array ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`;

const depth = fc.oneof(fc.nat({ max: 200 }), fc.constantFrom(127, 128, 129, 511, 512, 513, 5_000, 100_000));

/** JSON that is deep or large. */
export const heavyText: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(depth, fc.boolean()).map(([levels, array]) => nested(levels, array)),
  fc.nat({ max: 400_000 }).map((length) => JSON.stringify('y'.repeat(length))),
  fc.nat({ max: 20_000 }).map((length) => `[${'0,'.repeat(length)}0]`),
);

const METHODS = [
  ...['initialize', 'ping', 'tools/list', 'tools/call', 'prompts/list', 'prompts/get', 'resources/list'],
  ...['resources/templates/list', 'resources/read', 'resources/subscribe', 'resources/unsubscribe'],
  ...['completion/complete', 'logging/setLevel', 'tasks/get', 'tasks/list', 'server/discover', 'subscriptions/listen'],
  ...[
    'notifications/initialized',
    'notifications/progress',
    'notifications/roots/list_changed',
    'notifications/message',
  ],
  ...['elicitation/create', 'sampling/createMessage', 'roots/list', '', '__proto__', 'constructor', 'rpc.x'],
];

export const methodText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...METHODS).map((name) => JSON.stringify(name)) },
  stringText,
  valueText,
);

/** Members that methods look for in their params, with any value. */
const PARAMS = [
  ...['name', 'arguments', 'uri', 'cursor', 'level', 'ref', 'argument', '_meta', 'protocolVersion', 'capabilities'],
  ...['clientInfo', 'progressToken', 'progress', 'reason', 'message', 'requestedSchema', 'task', '__proto__'],
];

const member = fc
  .tuple(fc.constantFrom(...PARAMS), fc.oneof(valueText, idText))
  .map(([key, value]) => `${JSON.stringify(key)}:${value}`);

export const paramsText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.array(member, { maxLength: 5 }).map((list) => `{${list.join(',')}}`) },
  { weight: 2, arbitrary: objectText },
  valueText,
  heavyText,
);

const optional = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 6, arbitrary: value.map((text) => [`${JSON.stringify(name)}:${text}`]) },
    { weight: 1, arbitrary: fc.constant<string[]>([]) },
    {
      weight: 1,
      arbitrary: fc.tuple(value, value).map((both) => both.map((text) => `${JSON.stringify(name)}:${text}`)),
    },
  );

/** The text of something like a JSON-RPC message: members missing, twice, of wrong types and in any order. */
export const messageText: fc.Arbitrary<string> = fc
  .tuple(
    optional('jsonrpc', fc.oneof({ weight: 9, arbitrary: fc.constant('"2.0"') }, idText)),
    optional('id', idText),
    fc.oneof(
      { weight: 5, arbitrary: fc.tuple(optional('method', methodText), optional('params', paramsText)) },
      { weight: 1, arbitrary: fc.tuple(optional('result', valueText), optional('error', valueText)) },
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<string[]>([]) },
      optional('extra', valueText),
      optional('jsonRpc', idText),
    ),
  )
  .map(([version, id, body, extra]) => [...version, ...id, ...body.flat(), ...extra])
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }))
  .map((list) => `{${list.join(',')}}`);

/** A part of the text, cut off anywhere. */
const truncated = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1)));

const text = fc.oneof(
  { weight: 5, arbitrary: messageText },
  { weight: 2, arbitrary: truncated(messageText) },
  fc.array(messageText, { maxLength: 4 }).map((list) => `[${list.join(',')}]`),
  damagedText,
  heavyText,
  fc.string({ unit: 'binary', maxLength: 60 }),
);

/** Bytes put in place of one byte: no valid UTF-8 wherever they stand. */
const BAD_BYTES = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf8, 0x88], [0x80]];

/** Bytes that are shown as text when they are part of a failing case. */
const readable = (bytes: Buffer): Buffer =>
  Object.defineProperty(bytes, fc.toStringMethod, { value: () => shown(bytes), enumerable: false });

/** Bytes to send as one message or more: texts, texts with a broken place, and noise. */
export const anyBytes: fc.Arbitrary<Buffer> = fc
  .oneof(
    { weight: 6, arbitrary: text.map((value) => Buffer.from(value)) },
    {
      weight: 2,
      arbitrary: fc.tuple(text, fc.nat(), fc.constantFrom(...BAD_BYTES)).map(([value, at, bad]) => {
        const bytes = Buffer.from(value);
        const place = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, place), Buffer.from(bad), bytes.subarray(place + 1)]);
      }),
    },
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  )
  .map(readable);

/** How bytes are shown in an error. */
export const shown = (bytes: Buffer | string): string => {
  const all = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  return JSON.stringify(all.length > 400 ? `${all.slice(0, 300)}… (${all.length} bytes)` : all);
};
