import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ContentShape, contentUris } from '../../src/bridge/content-uris.ts';
import { addModern, stripModern } from '../../src/bridge/convert/eras.ts';
import { FlowingResult, type FlowRules } from '../../src/bridge/flowing-result.ts';
import { AnswerFlow, isFlowFault } from '../../src/protocol/answer-flow.ts';
import type { Edit } from '../../src/protocol/json/edit.ts';
import { memberOf, members, textOf } from '../../src/protocol/json/scan.ts';
import { messageBytes, readMessage } from '../../src/protocol/message.ts';
import { SERVER_KEY, SUBSCRIPTION_KEY, TASK_KEY } from '../../src/protocol/meta.ts';
import { stringText, valueText } from '../protocol/json-arbitraries.ts';

const SERVER = '{"name":"gateway","version":"1"}';
const exposed = (uri: string): string => (uri.startsWith('own') ? uri : `mcp+up:${uri}`);

const rulesOf = (parts: Partial<FlowRules>): FlowRules => ({
  from: 'legacy',
  to: 'legacy',
  shape: 'content',
  expose: (uri) => Buffer.from(JSON.stringify(exposed(textOf(uri, 0, uri.length)))),
  server: SERVER,
  cache: undefined,
  sealTask: (id) => `sealed ${id}`,
  ...parts,
});

/** What the way for whole messages makes of an answer. */
function whole(bytes: Buffer, { from, to, shape, server, cache, expose }: FlowRules): unknown {
  const message = readMessage(bytes);
  const edits: Edit[] = [{ ...message.id!, text: '"c"' }];
  if (to === 'modern') edits.push(...addModern(message, { resultType: 'complete', server, cache }));
  else if (from === 'modern') edits.push(...stripModern(message));
  if (expose)
    contentUris(bytes, memberOf(members(bytes, message.result!.start), shape), shape, ({ start, end }) => {
      edits.push({ start, end, text: expose(bytes.subarray(start, end)) });
    });
  return JSON.parse(messageBytes(message, edits).toString('utf8'));
}

/** What the way for those that still come makes of it; `undefined` where they have to be whole. */
function flowing(bytes: Buffer, rules: FlowRules, at: readonly number[]): unknown {
  const flow = new AnswerFlow(7, '"c"', new FlowingResult(rules));
  const places = [...new Set([...at.map((part) => Math.floor(part * bytes.length)), bytes.length])].sort(
    (a, b) => a - b,
  );
  const chunks = places.map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
  const out: Buffer[] = [];
  try {
    for (const chunk of chunks) out.push(...flow.push(chunk));
    flow.end();
  } catch (error) {
    if (!isFlowFault(error)) throw error;
    return undefined;
  }
  return JSON.parse(Buffer.concat(out).toString('utf8'));
}

const shuffled = (parts: readonly string[], wrap: readonly [string, string]): fc.Arbitrary<string> =>
  fc.shuffledSubarray([...parts], { minLength: 0 }).map((list) => wrap[0] + list.join(',') + wrap[1]);

const uri = fc.oneof(
  fc.constantFrom('"uri":"file:///a"', '"uri":"own:b"', '"uri":"x\\u00e9:\\"c\\""', '"u\\u0072i":"d:"', '"uri":5'),
  fc.constant('"name":"n"'),
);
const resource = uri.chain((text) => shuffled([text, '"text":"t"', '"_meta":{"uri":"no"}'], ['{', '}']));
const { block } = fc.letrec<{ block: string }>((tie) => ({
  block: fc
    .tuple(
      fc.constantFrom('text', 'resource_link', 'resource', 'tool_result', 'image'),
      uri,
      resource,
      fc.oneof(
        { depthSize: 'small', maxDepth: 2 },
        fc.constant('[]'),
        tie('block').map((one) => `[${one}]`),
        tie('block'),
      ),
      stringText,
    )
    .chain(([type, own, inner, nested, text]) =>
      shuffled([`"type":"${type}"`, own, `"resource":${inner}`, `"content":${nested}`, `"text":${text}`], ['{', '}']),
    ),
}));

const contentOf: Readonly<Record<ContentShape, fc.Arbitrary<string>>> = {
  content: fc
    .array(fc.oneof({ weight: 5, arbitrary: block }, { weight: 1, arbitrary: valueText }), { maxLength: 3 })
    .map(listText),
  contents: fc.array(resource, { maxLength: 3 }).map(listText),
  messages: fc
    .array(
      fc.tuple(block, fc.boolean()).map(([one, many]) => `{"role":"user","content":${many ? `[${one},${one}]` : one}}`),
      { maxLength: 3 },
    )
    .map(listText),
};

function listText(list: readonly string[]): string {
  return `[${list.join(' , ')}]`;
}

const meta = fc.oneof(
  shuffled([`"${SERVER_KEY}":{"name":"up"}`, `"${SUBSCRIPTION_KEY}":"s"`, `"${TASK_KEY}":{}`, '"own":1'], ['{', '}']),
  valueText,
);

const answer = (shape: ContentShape, types: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(contentOf[shape], meta, fc.constantFrom(...types), valueText)
    .chain(([content, inMeta, type, other]) =>
      shuffled(
        [
          `"${shape}":${content}`,
          `"_meta":${inMeta}`,
          `"resultType":"${type}"`,
          '"ttlMs": 5',
          '"cacheScope":"public"',
          `"structuredContent":${other}`,
          '"isError":false',
          // members that occur twice: the last one counts
          `"${shape}" : ${content}`,
        ],
        ['{ ', ' }'],
      ),
    )
    .chain((result) =>
      fc
        .shuffledSubarray(['"jsonrpc":"2.0"', '"id":7', `"result":${result}`], { minLength: 3 })
        .map((parts) => `{${parts.join(' ,')}}\n`),
    );

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const cases = (['content', 'contents', 'messages'] as const).flatMap((shape) =>
  (['legacy', 'modern'] as const).flatMap((from) => (['legacy', 'modern'] as const).map((to) => ({ shape, from, to }))),
);

describe('an answer that is passed on while it comes', () => {
  test.each(cases)('is what it is when it is whole: $shape, $from upstream, $to client', ({ shape, from, to }) => {
    const rules = fc.record({
      expose: fc.constantFrom(undefined, rulesOf({}).expose),
      cache: fc.constantFrom(
        undefined,
        { ttlMs: 0, cacheScope: 'private' as const },
        { cacheScope: 'private' as const },
      ),
    });
    const types = from === 'modern' ? ['complete'] : ['complete', 'other'];
    fc.assert(
      fc.property(answer(shape, types), rules, cuts, (text, parts, at) => {
        const given = rulesOf({ shape, from, to, ...parts });
        const bytes = Buffer.from(text);
        const everywhere = Array.from(bytes, (_, i) => i / bytes.length);
        expect(flowing(bytes, given, at)).toEqual(whole(bytes, given));
        expect(flowing(bytes, given, everywhere)).toEqual(whole(bytes, given));
      }),
      { numRuns: 200 },
    );
  });

  test('is the bytes that came but for the id, where nothing else is changed', () => {
    const text = '{ "result" : {"content":[{"type":"text","text":"1.0"}], "n":1.0e2 },"jsonrpc":"2.0" , "id": 7}\r\n';
    const flow = new AnswerFlow(7, '"c"', new FlowingResult(rulesOf({})));
    const out = [...(flow.begin([Buffer.from(text.slice(0, 40))]) ?? []), ...flow.push(Buffer.from(text.slice(40)))];
    flow.end();
    expect(Buffer.concat(out).toString()).toBe(text.replace('"id": 7', '"id": "c"'));
  });

  const HEAD = '{"jsonrpc":"2.0","id":7,"result":{';
  test.each([
    ['the id of another request', '{"jsonrpc":"2.0","id":8,"result":{"content":[{', 'legacy'],
    ['an error', '{"jsonrpc":"2.0","id":7,"error":{"content":[{', 'legacy'],
    ['a request', '{"jsonrpc":"2.0","id":7,"method":"x","result":{"content":[{', 'legacy'],
    ['another version', '{"jsonrpc":"1.0","id":7,"result":{"content":[{', 'legacy'],
    ['two ids', '{"jsonrpc":"2.0","id":7,"id":7,"result":{"content":[{', 'legacy'],
    ['a batch', '[{"jsonrpc":"2.0","id":7,"result":{"content":[{', 'legacy'],
    ['a result that is no object', '{"jsonrpc":"2.0","id":7,"result":[{"content":[{', 'legacy'],
    ['no content so far', `${HEAD}"_meta":{"a":[`, 'legacy'],
    ['empty content', `${HEAD}"content":[],"_meta":{`, 'legacy'],
    ['a request for input', `${HEAD}"resultType":"input_required","content":[{`, 'modern'],
    ['a task', `${HEAD}"resultType":"task","content":[{`, 'modern'],
    ['content that is no list', `${HEAD}"content":{"a":[{`, 'legacy'],
    ['what is no JSON', `${HEAD}"content":[{]`, 'legacy'],
  ] as const)('does not begin with %s', (_, text, from) => {
    const flow = new AnswerFlow(7, '"c"', new FlowingResult(rulesOf({ from })));
    expect(flow.begin([Buffer.from(text)])).toBeUndefined();
  });

  test.each(['legacy', 'modern'] as const)('goes on where something occurs twice that is changed: to %s', (to) => {
    const text = `${HEAD}"_meta":{"a":1},"ttlMs":1,"content":[{"type":"text","type":"resource_link","uri":"a:"}],"_meta":{"b":2},"ttlMs":2}}`;
    const rules = rulesOf({ to, expose: rulesOf({}).expose, cache: { ttlMs: 0 } });
    for (let cut = HEAD.length + 45; cut < text.length; cut++) {
      const whole = flowing(Buffer.from(text), rules, [cut / text.length]) as { result: Record<string, unknown> };
      const { _meta, ttlMs } = whole.result;
      expect(_meta).toMatchObject({ b: 2 });
      expect(ttlMs).toBe(to === 'modern' ? 0 : 2);
    }
  });

  test.each([
    ['another id', `"content":[{}]},"id":8}`],
    ['a second id', `"content":[{}]},"id":7,"id":7}`],
    ['no id', `"content":[{}]}}`],
    ['another type', `"content":[{}],"resultType":"input_required"},"id":7}`],
    ['an error beside the result', `"content":[{}]},"error":{},"id":7}`],
    ['less than all of it', `"content":[{}]},"id":7`],
    ['more than all of it', `"content":[{}]},"id":7} {`],
  ])('is broken off by %s', (_, rest) => {
    const flow = new AnswerFlow(7, '"c"', new FlowingResult(rulesOf({ from: 'modern' })));
    expect(flow.begin([Buffer.from('{"jsonrpc":"2.0","result":{"structuredContent":1,')])).toBeDefined();
    const go = (): void => {
      flow.push(Buffer.from(rest));
      flow.end();
    };
    expect(() => {
      try {
        go();
      } catch (error) {
        expect(isFlowFault(error)).toBe(true);
        throw error;
      }
    }).toThrow();
  });

  test('has the id of its client, and that of a task as the client knows it', () => {
    const text = '{"jsonrpc":"2.0","id":"7","result":{"taskId":"t","content":[{}]}}';
    expect(flowing(Buffer.from(text), rulesOf({ from: 'modern' }), [0.5])).toEqual({
      jsonrpc: '2.0',
      id: 'c',
      result: { taskId: 'sealed t', content: [{}] },
    });
  });

  test('holds back no more than what stands behind a URI of which it is not known whether it is one', () => {
    const flow = new AnswerFlow(7, '1', new FlowingResult(rulesOf({})));
    const out = flow.begin([Buffer.from(`${HEAD}"content":[{"uri":"a:","name":"${'n'.repeat(100)}`)])!;
    expect(Buffer.concat(out).toString()).toBe('{"jsonrpc":"2.0","id":1,"result":{"content":[{"uri":');
    expect(Buffer.concat(flow.push(Buffer.from('","type":"resource_link"'))).toString()).toMatch(
      /^"mcp\+up:a:","name":"n{100}","type":"resource_link"$/,
    );
  });
});
