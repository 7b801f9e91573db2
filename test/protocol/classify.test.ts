/** Every rule by which a POSTed body is told to be of one era or the other, or of neither, one line after the other. */
import { describe, expect, test } from 'vitest';
import { type Classified, classify, malformed } from '../../src/protocol/classify.ts';
import { readMessage, readMessages } from '../../src/protocol/message.ts';
import { VERSION_KEY } from '../../src/protocol/meta.ts';

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';

/** A message with `jsonrpc` in front; `claim` puts a version into `params._meta`. */
const json = (members: string, claim?: string): string =>
  `{"jsonrpc":"2.0",${members}${claim === undefined ? '' : `,"params":{"_meta":{"${VERSION_KEY}":${claim}}}`}}`;

const of = (text: string, header?: string): Classified => classify(readMessages(Buffer.from(text)), header);

type Case = readonly [name: string, body: string, header: string | undefined, expected: object];

const rejected = (fault: string, echo = false, detail: unknown = expect.any(String)): object => ({
  kind: 'rejected',
  fault,
  echo,
  detail,
});

describe.each<[string, Case[]]>([
  [
    'batches',
    [
      ['an empty one', '[]', undefined, rejected('invalidRequest', false, 'the batch is empty')],
      ['an empty one with a modern header', '[]', MODERN, rejected('invalidRequest')],
      ['one element with a claim', `[5,${json('"id":1,"method":"m"', `"${MODERN}"`)}]`, undefined, rejected('batch')],
      ['a notification with a claim', `[${json('"method":"m"', `"${MODERN}"`)}]`, undefined, rejected('batch')],
      ['a legacy version as claim', `[${json('"id":1,"method":"m"', `"${LEGACY}"`)}]`, LEGACY, rejected('batch')],
      ['a modern header', `[${json('"id":1,"method":"m"')}]`, MODERN, rejected('batch')],
      ['an unknown header', `[${json('"id":1,"method":"m"')}]`, 'v999.0.0', rejected('batch')],
      ['a legacy header', `[${json('"id":1,"method":"m"')}]`, '2025-03-26', { kind: 'legacy-batch' }],
      ['no header', '[5,{}]', undefined, { kind: 'legacy-batch', messages: [undefined, expect.anything()] }],
    ],
  ],
  [
    'what is no message',
    [
      ['a number', '5', undefined, rejected('invalidRequest', false, 'expected an object')],
      ['a string, with a modern header', '"x"', MODERN, rejected('invalidRequest')],
      ['null', 'null', undefined, rejected('invalidRequest')],
      ['no jsonrpc', '{"id":1,"method":"m"}', undefined, rejected('invalidRequest')],
      ['another jsonrpc', '{"jsonrpc":"1.0","id":1,"method":"m"}', undefined, rejected('invalidRequest')],
      ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"m"}', MODERN, rejected('invalidRequest')],
      ['a method that is no string', json('"id":1,"method":7'), undefined, rejected('invalidRequest')],
      ['two methods', json('"id":1,"method":"a","method":"b"'), undefined, rejected('invalidRequest')],
      ['nothing but jsonrpc', '{"jsonrpc":"2.0"}', undefined, rejected('invalidRequest')],
      ['neither result nor error', json('"id":1'), undefined, rejected('invalidRequest')],
      ['result and error', json('"id":1,"result":{},"error":{}'), undefined, rejected('invalidRequest')],
      ['a result without id', json('"result":{}'), undefined, rejected('invalidRequest')],
    ],
  ],
  [
    'responses',
    [
      ['with a modern header', json('"id":1,"result":{}'), MODERN, rejected('invalidRequest')],
      ['with an unknown header', json('"id":1,"result":{}'), 'nonsense', rejected('invalidRequest')],
      ['with a legacy header', json('"id":1,"result":{}'), LEGACY, { kind: 'legacy-response' }],
      ['without header', json('"id":"a","error":{"code":1}'), undefined, { kind: 'legacy-response' }],
      ['with an error for an unreadable id', json('"id":null,"error":{}'), undefined, { kind: 'legacy-response' }],
    ],
  ],
  [
    'notifications',
    [
      ['with a claim', json('"method":"n"', `"${MODERN}"`), undefined, { kind: 'modern-notification' }],
      ['with a claim of any type', json('"method":"n"', '5'), LEGACY, { kind: 'modern-notification' }],
      ['with a modern header', json('"method":"n"'), MODERN, { kind: 'modern-notification' }],
      ['with a legacy header', json('"method":"n"'), LEGACY, { kind: 'legacy-notification' }],
      ['without either', json('"method":"n"'), undefined, { kind: 'legacy-notification' }],
    ],
  ],
  [
    'ids of requests',
    [
      ['null', json('"id":null,"method":"m"'), undefined, rejected('invalidId')],
      ['a fraction', json('"id":1.5,"method":"m"'), undefined, rejected('invalidId')],
      ['an object', json('"id":{},"method":"m"'), LEGACY, rejected('invalidId')],
      ['a boolean, in a modern request', json('"id":true,"method":"m"', `"${MODERN}"`), MODERN, rejected('invalidId')],
      ['a string', json('"id":"","method":"m"'), undefined, { kind: 'legacy-request' }],
      ['a big integer', json('"id":12345678901234567890,"method":"m"'), undefined, { kind: 'legacy-request' }],
    ],
  ],
  [
    'requests with a claim',
    [
      ['and no header', json('"id":1,"method":"m"', `"${MODERN}"`), undefined, rejected('headerMismatch', true)],
      [
        'and another header',
        json('"id":1,"method":"m"', `"${MODERN}"`),
        '2026-09-01',
        rejected('headerMismatch', true),
      ],
      ['and a legacy header', json('"id":1,"method":"m"', `"${MODERN}"`), LEGACY, rejected('headerMismatch', true)],
      ['that is no string', json('"id":1,"method":"m"', '20260728'), '20260728', rejected('headerMismatch', true)],
      ['that is null', json('"id":1,"method":"m"', 'null'), undefined, rejected('headerMismatch', true)],
      [
        'and the same header',
        json('"id":1,"method":"m"', `"${MODERN}"`),
        MODERN,
        { kind: 'modern-request', claim: MODERN },
      ],
      ['of an unknown version', json('"id":1,"method":"m"', '"v9"'), 'v9', { kind: 'modern-request', claim: 'v9' }],
      [
        'of a legacy version',
        json('"id":1,"method":"m"', `"${LEGACY}"`),
        LEGACY,
        { kind: 'modern-request', claim: LEGACY },
      ],
      ['named initialize', json('"id":1,"method":"initialize"', `"${MODERN}"`), MODERN, { kind: 'modern-request' }],
    ],
  ],
  [
    'requests with a modern header alone',
    [
      ['initialize', json('"id":1,"method":"initialize"'), MODERN, rejected('headerMismatch', true)],
      ['initialize, unknown version', json('"id":1,"method":"initialize"'), 'v9', rejected('headerMismatch', true)],
      ['tools/list', json('"id":1,"method":"tools/list"'), MODERN, rejected('modernEnvelope', true)],
      ['server/discover', json('"id":1,"method":"server/discover"'), MODERN, rejected('modernEnvelope', true)],
    ],
  ],
  [
    'requests without any sign of the modern era',
    [
      ['server/discover', json('"id":1,"method":"server/discover"'), undefined, rejected('modernEnvelope', true)],
      [
        'subscriptions/listen',
        json('"id":1,"method":"subscriptions/listen"'),
        LEGACY,
        rejected('modernEnvelope', true),
      ],
      ['a method nobody knows', json('"id":1,"method":"x/y"'), undefined, { kind: 'legacy-request' }],
      [
        'a handshake that asks for a modern version',
        json(`"id":1,"method":"initialize","params":{"protocolVersion":"${MODERN}"}`),
        undefined,
        { kind: 'legacy-request' },
      ],
      ['a date that was never a version', json('"id":1,"method":"m"'), '2025-01-01', { kind: 'legacy-request' }],
    ],
  ],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_name, body, header, expected) => {
    expect(of(body, header)).toMatchObject(expected);
  });
});

describe('the claim', () => {
  const claimed = (params: string): string => of(json(`"id":1,"method":"m","params":${params}`), MODERN).kind;

  test.each([
    `{"_meta":{"${VERSION_KEY}":"${MODERN}"}}`,
    `{"\\u005fmeta":{"${VERSION_KEY}":"${MODERN}"}}`,
    `{"_meta":{"io.modelcontextprotocol\\/protocolVersion":"2026\\u002d07-28"}}`,
    `{"_meta":1,"_meta":{"${VERSION_KEY}":"${MODERN}"}}`,
  ])('is found in %s', (params) => expect(claimed(params)).toBe('modern-request'));

  test.each([
    `{"${VERSION_KEY}":"${MODERN}"}`,
    `{"arguments":{"_meta":{"${VERSION_KEY}":"${MODERN}"}}}`,
    `{"_meta":[{"${VERSION_KEY}":"${MODERN}"}]}`,
    `{"_meta":"${VERSION_KEY}"}`,
    `["_meta"]`,
  ])('is not found in %s', (params) => expect(claimed(params)).toBe('rejected'));

  test('outside of params it does not count', () => {
    const body = json(`"id":1,"method":"m","_meta":{"${VERSION_KEY}":"${MODERN}"}`);
    expect(of(body).kind).toBe('legacy-request');
  });
});

test('the text for a missing envelope names what is missing', () => {
  expect(of(json('"id":1,"method":"tools/list"'), MODERN)).toMatchObject({
    detail: expect.stringMatching(/protocolVersion.*clientCapabilities/),
  });
});

test('a rejection hands over the message it is about, as far as there is one', () => {
  expect(of(json('"id":"x","method":"server/discover"'))).toHaveProperty('message.idKind', 'string');
  expect(of('5')).not.toHaveProperty('message');
});

test.each([
  ['{"id":1,"method":"m"}', '"jsonrpc" must be "2.0"'],
  [json('"id":1,"id":2,"method":"m"'), '"id" occurs twice'],
  [json('"method":{}'), '"method" must be a string'],
  [json('"params":{}'), 'neither "method" nor "id"'],
  [json('"id":1'), 'a response has either "result" or "error"'],
  [json('"id":1,"result":1,"error":2'), 'a response has either "result" or "error"'],
  [json('"method":"m"'), undefined],
  [json('"id":1,"result":null'), undefined],
  [json('"id":1,"error":{}'), undefined],
])('%s: %s', (text, why) => {
  expect(malformed(readMessage(Buffer.from(text)))).toBe(why);
});
