/** Arbitraries for what a hostile upstream says in the course of a call. */
import fc from 'fast-check';
import { damagedText, objectText, valueText } from '../protocol/json-arbitraries.ts';
import type { Act } from './hostile-upstream.ts';
import { anyBytes, heavyText, idText, messageText, nested } from './texts.ts';

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');

/** An act that sends a text as one message. */
export const message = (text: string, elsewhere = false): Act => ({
  message: base64(text),
  ...(elsewhere ? { elsewhere } : {}),
});

/** An act that sends bytes as they are. */
export const raw = (bytes: Buffer | string, cuts: readonly number[] = []): Act => ({ raw: base64(bytes), cuts });

/** Ids and tokens of requests that nobody made: links count theirs from 1. */
const foreignId = idText.filter((text) => {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return true;
  return !(Number(value) >= 0 && Number(value) < 1e6);
});

/** What no client may ever see. */
export const FOREIGN = 'tag-nobody-0-';

const foreignResult = `{"content":[{"type":"text","text":"${FOREIGN}"}]}`;

/** Answers to a request that are malformed as messages. @param id its text */
const malformed = (id: string): string[] => [
  `{"id":${id},"result":${foreignResult}}`,
  `{"jsonrpc":"1.0","id":${id},"result":${foreignResult}}`,
  `{"jsonrpc":"2.0","id":${id},"result":${foreignResult},"error":{"code":-1,"message":"${FOREIGN}"}}`,
  `{"jsonrpc":"2.0","id":${id},"id":${id},"result":${foreignResult}}`,
  `{"jsonrpc":"2.0","id":${id}}`,
];

/** Messages that must have no effect on any call, as texts. */
const pointless: fc.Arbitrary<string> = fc.oneof(
  foreignId.map((id) => `{"jsonrpc":"2.0","id":${id},"result":${foreignResult}}`),
  foreignId.map((id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-1,"message":"${FOREIGN}"}}`),
  foreignId.chain((id) => fc.constantFrom(...malformed(id))),
  fc.constantFrom(
    `{"jsonrpc":"2.0","error":{"code":-1,"message":"${FOREIGN}"}}`,
    `{"jsonrpc":"2.0","result":${foreignResult}}`,
    '[]',
    '{}',
    '42',
    'null',
  ),
  foreignId.map(
    (token) =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1,"message":"${FOREIGN}"}}`,
  ),
  valueText.map((params) => `{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`),
  fc
    .tuple(idText, valueText)
    .map(
      ([id, reason]) =>
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":${reason}}}`,
    ),
  fc
    .tuple(
      fc.constantFrom(
        'notifications/elicitation/complete',
        'notifications/resources/updated',
        'notifications/__proto__',
      ),
      fc.oneof(
        valueText,
        idText.map((id) => `{"elicitationId":${id},"uri":${id}}`),
      ),
    )
    .map(([method, params]) => `{"jsonrpc":"2.0","method":"${method}","params":${params}}`),
  fc.tuple(fc.constantFrom(511, 513, 5_000, 20_000), fc.boolean()).map(([depth, array]) => nested(depth, array)),
);

/** Requests to the client, right and wrong ones, that may be answered in any way. */
const requests: fc.Arbitrary<string> = fc
  .tuple(
    idText,
    fc.constantFrom('ping', 'elicitation/create', 'sampling/createMessage', 'roots/list', 'tools/call', '__proto__'),
    fc.oneof({ weight: 2, arbitrary: objectText }, valueText),
  )
  .map(([id, method, params]) => `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`);

const lists = fc.constant('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');

const logs = fc
  .tuple(valueText, valueText)
  .map(
    ([level, data]) => `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":${level},"data":${data}}}`,
  );

const harmlessMessage = fc.oneof(
  { weight: 8, arbitrary: pointless },
  { weight: 2, arbitrary: requests },
  { weight: 2, arbitrary: logs },
  { weight: 1, arbitrary: lists },
);

const cuts = fc.array(fc.nat(), { maxLength: 4 });

/** Text that is no message and does not become one: parts of messages, and noise. */
const noise = fc.oneof(
  fc.tuple(messageText, fc.nat()).map(([text, at]) => Buffer.from(text.slice(0, at % text.length))),
  damagedText.filter((text) => !/jsonrpc/.test(text)).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

/** Acts around which an answer must still be found. */
export const harmless: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(harmlessMessage, fc.boolean()).map(([text, elsewhere]) => message(text, elsewhere)),
  },
  { weight: 1, arbitrary: fc.array(harmlessMessage, { maxLength: 3 }).map((texts) => message(`[${texts.join(',')}]`)) },
  { weight: 3, arbitrary: fc.tuple(noise, cuts).map(([bytes, at]) => raw(bytes, at)) },
);

/** Answers to the call itself that are none. */
const broken = fc.oneof(
  fc.constantFrom(...malformed('@ID@')),
  valueText.map((result) => `{"jsonrpc":"2.0","id":@ID@,"result":${result}}`),
  valueText.map((error) => `{"jsonrpc":"2.0","id":@ID@,"error":${error}}`),
  heavyText.map((result) => `{"jsonrpc":"2.0","id":@ID@,"result":{"content":${result}}}`),
  valueText.map((data) => `{"jsonrpc":"2.0","id":"@ID@","error":{"code":${data},"message":${data},"data":${data}}}`),
);

const ownProgress = fc
  .tuple(valueText, valueText)
  .map(
    ([progress, more]) =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":@TOKEN@,"progress":${progress},"x":${more}}}`,
  );

/** Acts of every kind, after which a call may have any end but must have one. */
export const anything: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: harmless },
  { weight: 2, arbitrary: broken.map((text) => message(text)) },
  { weight: 2, arbitrary: ownProgress.map((text) => message(text)) },
  { weight: 2, arbitrary: messageText.map((text) => message(text)) },
  { weight: 2, arbitrary: fc.tuple(anyBytes, cuts).map(([bytes, at]) => raw(bytes, at)) },
  { weight: 1, arbitrary: fc.constant<Act>({ end: true }) },
);
