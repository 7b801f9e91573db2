/** Arguments that requests repeat in headers: which ones a tool declares, how they are made and how they are judged. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { skipValue } from '../../src/protocol/json/scan.ts';
import {
  type Arguments,
  checkParamHeaders,
  type HeaderDecl,
  headerDecls,
  paramHeaders,
  withoutAnnotations,
} from '../../src/protocol/tool-headers.ts';

type Json = Record<string, unknown>;

const KEY = 'x-mcp-header';
const header = (type: unknown, name: unknown): Json => ({ type, [KEY]: name });
const tool = (inputSchema: unknown): Buffer => Buffer.from(JSON.stringify({ name: 't', inputSchema }));
const object = (properties: Json): Json => ({ type: 'object', properties });
const problemOf = (inputSchema: unknown): string | undefined => headerDecls(tool(inputSchema)).problem;

/** The arguments of a call, where they stand among other things. */
function args(text: string | undefined): Arguments {
  if (text === undefined) return { bytes: Buffer.from('{}'), at: undefined };
  const before = '{"name":"t","arguments": ';
  const bytes = Buffer.from(`${before}${text} }`);
  return { bytes, at: { start: before.length, end: skipValue(bytes, before.length) } };
}

const decl = (name: string, type: HeaderDecl['type'], path = [name.toLowerCase()]): HeaderDecl => ({
  header: `mcp-param-${name.toLowerCase()}`,
  name: `Mcp-Param-${name}`,
  path,
  type,
});
const REGION = decl('Region', 'string');
const COUNT = decl('Count', 'integer');
const FLAG = decl('Flag', 'boolean', ['deep', 'flag']);
const ALL = [REGION, COUNT, FLAG];

describe('declarations', () => {
  test('are found through properties at any depth, in order', () => {
    const schema = object({
      region: header('string', 'Region'),
      plain: { type: 'string' },
      deep: object({ flag: header('boolean', 'Flag') }),
      count: header('integer', 'Count'),
    });
    expect(headerDecls(tool(schema))).toEqual({ decls: [REGION, FLAG, COUNT], problem: undefined });
  });

  test('may be below properties that are named like keywords, or like the annotation', () => {
    const names = [
      'default',
      'enum',
      'const',
      'examples',
      'items',
      'properties',
      '$defs',
      KEY,
      'toString',
      '__proto__',
    ];
    const spelled = names.map((name, i) => `"${name}":{"properties":{"a":{"type":"string","${KEY}":"A${i}"}}}`);
    const text = `{"name":"t","inputSchema":{"properties":{${spelled.join(',')}}}}`;
    const { decls, problem } = headerDecls(Buffer.from(text));
    expect(problem).toBeUndefined();
    expect(decls.map(({ path }) => path)).toEqual(names.map((name) => [name, 'a']));
  });

  test('a header may have any character of a token in its name', () => {
    const name = "!#$%&'*+-.^_`|~09azAZ";
    expect(headerDecls(tool(object({ a: header('string', name) }))).decls).toEqual([decl(name, 'string', ['a'])]);
  });

  test('what only looks like an annotation is data', () => {
    const data = { [KEY]: 'A B' };
    const schema = object({
      a: { type: 'object', default: data, const: data, enum: [data], examples: [data], description: KEY },
    });
    expect(headerDecls(tool(schema))).toEqual({ decls: [], problem: undefined });
  });

  test('are looked for in the input schema alone', () => {
    const text = JSON.stringify({ name: KEY, outputSchema: object({ a: header('number', 'A') }), [KEY]: 1 });
    expect(headerDecls(Buffer.from(text))).toEqual({ decls: [], problem: undefined });
    expect(headerDecls(Buffer.from(`{"inputSchema":true,"x":"${KEY}"}`))).toEqual({ decls: [], problem: undefined });
  });

  test('a tool without the word is not read at all', () => {
    expect(headerDecls(Buffer.from('{"inputSchema": no JSON'))).toEqual({ decls: [], problem: undefined });
  });
});

describe('#43 wrong annotations', () => {
  const A = header('string', 'A');
  test.each([
    ['number', { a: header('number', 'A') }],
    ['object', { a: header('object', 'A') }],
    ['array', { a: header('array', 'A') }],
    ['null', { a: header('null', 'A') }],
    ['several types', { a: header(['string', 'null'], 'A') }],
    ['no type', { a: { [KEY]: 'A' } }],
  ])('on a property of the wrong type: %s', (_, properties) => {
    expect(problemOf(object(properties))).toMatch(/^x-mcp-header at a is not on a string/);
  });

  test.each([['A B'], [''], ['A:'], ['A\r\nB'], ['Ä'], ['A,B'], ['"A"'], ['A\n'], [1], [null], [['A']], [{}], [true]])(
    'with a name that no header can have: %j',
    (name) => {
      expect(problemOf(object({ a: header('string', name) }))).toBe('x-mcp-header at a is no header name');
    },
  );

  test('with one name twice, ignoring case', () => {
    const twice = object({ a: header('string', 'Same'), b: object({ c: header('integer', 'sAME') }) });
    expect(problemOf(twice)).toBe('x-mcp-header at b.c repeats sAME');
  });

  test.each([
    ['at the root', { type: 'string', [KEY]: 'A' }],
    ['items', object({ a: { items: A } })],
    ['items by place', object({ a: { items: [A] } })],
    ['prefixItems', object({ a: { prefixItems: [A] } })],
    ['contains', object({ a: { contains: A } })],
    ['additionalProperties', { additionalProperties: A }],
    ['patternProperties', { patternProperties: { '^a': A } }],
    ['propertyNames', { propertyNames: A }],
    ['unevaluatedProperties', { unevaluatedProperties: A }],
    ['dependentSchemas', { dependentSchemas: { a: A } }],
    ['dependencies', { dependencies: { a: object({ a: A }), b: ['a'] } }],
    ['oneOf', object({ a: { oneOf: [A] } })],
    ['anyOf', object({ a: { anyOf: [{ type: 'null' }, A] } })],
    ['allOf', { allOf: [object({ a: A })] }],
    ...['not', 'if', 'then', 'else'].map((key): [string, Json] => [key, { [key]: object({ a: A }) }]),
    ['$defs', { $defs: { a: A }, properties: { a: { $ref: '#/$defs/a' } } }],
    ['definitions', { definitions: { a: object({ a: A }) } }],
    ['a definition named like a keyword', { $defs: { properties: A } }],
    ['a definition named like data', { $defs: { default: A } }],
    ['a definition named like the annotation', { $defs: { [KEY]: A } }],
    ['properties of items', object({ a: { items: object({ b: A }) } })],
  ] as [string, Json][])('where no chain of properties leads: %s', (_, schema) => {
    expect(problemOf(schema)).toMatch(/ is not reached through properties alone$/);
  });

  test('the first is named, and then nothing is declared', () => {
    const schema = object({ fine: A, bad: header('number', 'B'), worse: header('string', 'C D') });
    expect(headerDecls(tool(schema))).toEqual({
      decls: [],
      problem: 'x-mcp-header at bad is not on a string, an integer or a boolean',
    });
  });
});

describe('headers that go out', () => {
  test.each([
    ['all of them', '{"region":"eu","count":4,"deep":{"flag":false}}', ['eu', '4', 'false']],
    ['none: no arguments', undefined, []],
    ['none: null', '{"region":null,"count": null,"deep":null}', []],
    ['none: nothing there', '{"other":1}', []],
    ['none: arguments that are no object', '["region"]', []],
    ['none: no object on the way', '{"deep":[{"flag":true}]}', []],
    ['values of other types, as they are', '{"region":1,"count":"4","deep":{"flag":"true"}}', ['1', '4', 'true']],
    ['none: structures', '{"region":{},"count":[],"deep":{"flag":{}}}', []],
    ['Base64', '{"region":"größer"}', ['=?base64?Z3LDtsOfZXI=?=']],
    ['nothing in a text', '{"region":""}', ['=?base64??=']],
    ['a text with escapes', '{"regi\\u006fn":"a\\n\\u0062"}', ['=?base64?YQpi?=']],
    ['the last of two', '{"region":"us","region":"eu"}', ['eu']],
  ])('%s', (_, text, values) => {
    expect(Object.values(paramHeaders(ALL, args(text)))).toEqual(values);
  });

  test('have the names that the tool gave them', () => {
    const made = paramHeaders(ALL, args('{"deep":{"flag":true},"count":1,"region":"x"}'));
    expect(made).toEqual({ 'Mcp-Param-Region': 'x', 'Mcp-Param-Count': '1', 'Mcp-Param-Flag': 'true' });
  });

  test.each([
    ['42', '42'],
    ['-7', '-7'],
    ['0', '0'],
    ['-0', '0'],
    ['42.0', '42'],
    ['4.2e1', '42'],
    ['4.2E+1', '42'],
    ['420e-1', '42'],
    ['0.0e5', '0'],
    ['0e999', '0'],
    ['0.00e-999', '0'],
    ['1e21', '1000000000000000000000'],
    ['9007199254740993', '9007199254740993'],
    ['-123456789012345678901234567890', '-123456789012345678901234567890'],
    ['12345678901234567890.00', '12345678901234567890'],
  ])('#37 an integer %s is %s', (spelled, decimal) => {
    expect(paramHeaders([COUNT], args(`{"count":${spelled}}`))).toEqual({ 'Mcp-Param-Count': decimal });
  });

  test.each(['4.2', '1e-1', '42.00001', '5e-324', '1e999999999999'])('%s is none, and stays what it is', (spelled) => {
    expect(paramHeaders([COUNT], args(`{"count":${spelled}}`))).toEqual({ 'Mcp-Param-Count': spelled });
  });

  test.each([
    ['"42"', '42'],
    ['"x"', 'x'],
    ['true', 'true'],
  ])('%s is none, and the tool is asked with it nevertheless', (spelled, value) => {
    expect(paramHeaders([COUNT], args(`{"count":${spelled}}`))).toEqual({ 'Mcp-Param-Count': value });
  });

  test.each(['{"a":1}', '[1]', '[]'])('%s has no header', (spelled) => {
    expect(paramHeaders([COUNT], args(`{"count":${spelled}}`))).toEqual({});
  });

  test('#37 any integer in any spelling is the same', () => {
    const spelled = fc
      .record({ value: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), shift: fc.nat(6), zeros: fc.nat(3) })
      .map(({ value, shift, zeros }) => {
        const sign = value < 0n ? '-' : '';
        const digits = String(value).replace('-', '');
        const zero = '0'.repeat(zeros);
        const padded = digits.padStart(shift + 1, '0');
        const point = padded.length - shift;
        return {
          decimal: String(value),
          spellings: [
            `${sign}${digits}`,
            `${sign}${digits}.0${zero}`,
            `${sign}${padded.slice(0, point)}.${padded.slice(point)}0${zero}e${shift}`,
            `${sign}${digits}${digits === '0' ? '' : '0'.repeat(shift)}E-${shift}`,
          ],
        };
      });
    fc.assert(
      fc.property(spelled, ({ decimal, spellings }) => {
        for (const spelling of spellings) {
          expect(paramHeaders([COUNT], args(`{"count":${spelling}}`))).toEqual({ 'Mcp-Param-Count': decimal });
          const came = args(`{"count":${decimal}}`);
          expect(checkParamHeaders([COUNT], came, { 'mcp-param-count': spelling })).toBeUndefined();
        }
      }),
    );
  });
});

describe('headers that came', () => {
  const check = (text: string | undefined, headers: Record<string, string | string[] | undefined>) =>
    checkParamHeaders(ALL, args(text), headers);

  test.each([
    ['equal', '{"region":"eu"}', { 'mcp-param-region': 'eu' }],
    ['between blanks', '{"region":"eu"}', { 'mcp-param-region': ' \teu \t' }],
    ['in Base64 that was needed', '{"region":"größer"}', { 'mcp-param-region': '=?base64?Z3LDtsOfZXI=?=' }],
    ['in Base64 that was not', '{"region":"eu"}', { 'mcp-param-region': '=?base64?ZXU=?=' }],
    ['in Base64 between blanks', '{"region":"eu"}', { 'mcp-param-region': ' =?base64?ZXU=?= ' }],
    ['what only looks like Base64', '{"region":"=?BASE64?eu?="}', { 'mcp-param-region': '=?BASE64?eu?=' }],
    ['an empty text', '{"region":""}', { 'mcp-param-region': '' }],
    ['#37 42.0 is 42', '{"count":42}', { 'mcp-param-count': '42.0' }],
    ['#37 42 is 42.0', '{"count":42.0}', { 'mcp-param-count': '42' }],
    ['#37 42 in Base64', '{"count":42}', { 'mcp-param-count': '=?base64?NDI=?=' }],
    ['a boolean', '{"deep":{"flag":true}}', { 'mcp-param-flag': 'true' }],
    ['#38 null and no header', '{"region":null,"deep":{"flag":null}}', {}],
    ['#38 null and a header', '{"region":null}', { 'mcp-param-region': 'eu' }],
    ['no argument and a header', '{}', { 'mcp-param-region': 'eu' }],
    ['no arguments and headers', undefined, { 'mcp-param-region': 'eu', 'mcp-param-flag': 'maybe' }],
    ['a text for a number', '{"count":"4"}', { 'mcp-param-count': '4' }],
    ['no number twice', '{"count":"x"}', { 'mcp-param-count': 'x' }],
    ['a fraction for an integer', '{"count":4.5}', { 'mcp-param-count': '4.5' }],
    ['a number for a text', '{"region":7}', { 'mcp-param-region': '7' }],
    ['what no header can say', '{"region":{"a":1},"count":[1]}', {}],
    ['an undeclared header', '{}', { 'mcp-param-other': '\u00e9' }],
  ])('are fine: %s', (_, text, headers) => {
    expect(check(text, headers)).toBeUndefined();
  });

  test.each([
    ['#36 missing', '{"region":"eu"}', {}, 'Mcp-Param-Region is missing'],
    ['#36 missing deep inside', '{"deep":{"flag":false}}', {}, 'Mcp-Param-Flag is missing'],
    ['#36 one of two missing', '{"region":"eu","count":1}', { 'mcp-param-region': 'eu' }, 'Mcp-Param-Count is missing'],
    ['another', '{"region":"eu"}', { 'mcp-param-region': 'us' }, 'Mcp-Param-Region is not the argument region'],
    ['another case', '{"region":"eu"}', { 'mcp-param-region': 'EU' }, 'Mcp-Param-Region is not the argument region'],
    ['twice', '{"region":"eu"}', { 'mcp-param-region': ['eu', 'eu'] }, 'Mcp-Param-Region is not the argument region'],
    ['twice, joined', '{"count":4}', { 'mcp-param-count': '4, 4' }, 'Mcp-Param-Count is not the argument count'],
    [
      '#37 in another system',
      '{"count":42}',
      { 'mcp-param-count': '0x2a' },
      'Mcp-Param-Count is not the argument count',
    ],
    ['#37 not quite', '{"count":42}', { 'mcp-param-count': '42.5' }, 'Mcp-Param-Count is not the argument count'],
    ['#37 with a plus', '{"count":42}', { 'mcp-param-count': '+42' }, 'Mcp-Param-Count is not the argument count'],
    ['#37 empty', '{"count":0}', { 'mcp-param-count': '' }, 'Mcp-Param-Count is not the argument count'],
    [
      '#37 equal in double precision alone',
      '{"count":9007199254740993}',
      { 'mcp-param-count': '9007199254740992' },
      'Mcp-Param-Count is not the argument count',
    ],
    ['TRUE', '{"deep":{"flag":true}}', { 'mcp-param-flag': 'TRUE' }, 'Mcp-Param-Flag is not the argument deep.flag'],
    ['1', '{"deep":{"flag":true}}', { 'mcp-param-flag': '1' }, 'Mcp-Param-Flag is not the argument deep.flag'],
    [
      'another text for a number',
      '{"count":"4"}',
      { 'mcp-param-count': 'four' },
      'Mcp-Param-Count is not the argument count',
    ],
    ['a text and no header', '{"count":"4"}', {}, 'Mcp-Param-Count is missing'],
    ['latin1', '{"region":"é"}', { 'mcp-param-region': '\u00e9' }, 'Mcp-Param-Region is no proper header value'],
    [
      'Base64',
      '{"region":"eu"}',
      { 'mcp-param-region': '=?base64?ZXU?=' },
      'Mcp-Param-Region is no proper header value',
    ],
    [
      'blanks that are none in a header',
      '{"region":"eu"}',
      { 'mcp-param-region': 'eu\u00a0' },
      'Mcp-Param-Region is no proper header value',
    ],
  ])('are wrong: %s', (_, text, headers, wrong) => {
    expect(check(text, headers)).toBe(wrong);
  });

  test('do not tell the value', () => {
    expect(check('{"region":"secret"}', { 'mcp-param-region': 'guess' })).not.toMatch(/secret|guess/);
  });

  test('what is made of arguments is right for them, and for no others', () => {
    const value = fc.record({
      region: fc.option(fc.string({ unit: 'grapheme' })),
      count: fc.option(fc.maxSafeInteger()),
      deep: fc.record({ flag: fc.option(fc.boolean()) }),
    });
    const lower = (made: Record<string, string>) =>
      Object.fromEntries(Object.entries(made).map(([name, text]) => [name.toLowerCase(), text]));
    fc.assert(
      fc.property(value, value, (one, other) => {
        const headers = lower(paramHeaders(ALL, args(JSON.stringify(one))));
        expect(checkParamHeaders(ALL, args(JSON.stringify(one)), headers)).toBeUndefined();
        // what is null is not looked at
        const pairs = [
          [one.region, other.region],
          [one.count, other.count],
          [one.deep.flag, other.deep.flag],
        ];
        const same = pairs.every(([a, b]) => b === null || Object.is(a, b) || a === b);
        expect(checkParamHeaders(ALL, args(JSON.stringify(other)), headers) === undefined).toBe(same);
      }),
    );
  });
});

/** A schema with annotations: its text with them and without, and what was put there on purpose. */
interface Spelled {
  readonly text: string;
  readonly bare: string;
}

const NAMES = ['a', 'b', 'default', 'enum', 'items', 'properties', KEY, '$defs', 'x\\u002dmcp-header'];
const blank = fc.constantFrom('', '', ' ', '\n\t');

const { schema: spelledSchema } = fc.letrec<{ schema: Spelled }>((tie) => {
  const named = fc
    // one name in two spellings is the same member twice, of which JSON.parse knows the last alone
    .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), tie('schema')), {
      selector: ([name]): unknown => JSON.parse(`"${name}"`),
      maxLength: 3,
    })
    .map((list) => ({
      text: `{${list.map(([name, { text }]) => `"${name}":${text}`).join(', ')}}`,
      bare: `{${list.map(([name, { bare }]) => `"${name}":${bare}`).join(', ')}}`,
    }));
  const several = fc.array(tie('schema'), { maxLength: 2 }).map((list) => ({
    text: `[${list.map(({ text }) => text).join(',')}]`,
    bare: `[${list.map(({ bare }) => bare).join(',')}]`,
  }));
  const data = fc
    .constantFrom(`{"${KEY}":"stays"}`, `[{"${KEY}":5}]`, '1', 'null')
    .map((text) => ({ text, bare: text }));
  const keyword = fc.oneof(
    fc.tuple(fc.constantFrom('properties', 'properties', '$defs', 'patternProperties', 'dependentSchemas'), named),
    fc.tuple(fc.constantFrom('items', 'not', 'additionalProperties'), tie('schema')),
    fc.tuple(fc.constantFrom('oneOf', 'allOf'), several),
    fc.tuple(fc.constantFrom('default', 'const', 'enum', 'examples'), data),
  );
  const annotation = fc.constantFrom('"A"', '"B"', '"a"', '"no token"', '7', `{"${KEY}":"A"}`);
  return {
    schema: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom('true', '{}', '{ }').map((text) => ({ text, bare: text })),
      fc
        .tuple(
          fc.constantFrom('"type" : "string"', '"type":"integer"', '"type":"number"', '"type":["string"]'),
          fc.uniqueArray(keyword, { selector: ([key]) => key, maxLength: 3 }),
          fc.option(annotation),
          fc.boolean(),
          blank,
          blank,
        )
        .map(([type, keywords, name, first, before, after]) => {
          const spell = (which: 'text' | 'bare') =>
            [type, ...keywords.map(([key, value]) => `"${key}": ${value[which]}`)].join(` ,${before}`);
          const mark = name === null ? '' : `"${KEY}"${after}:${before}${name}`;
          const around = mark === '' ? ['', ''] : first ? [`${mark}${after},${before}`, ''] : ['', `${after},${mark}`];
          return {
            text: `{${before}${around[0]}${spell('text')}${around[1]}${after}}`,
            bare: `{${before}${spell('bare')}${after}}`,
          };
        }),
    ),
  };
});

/** All annotations of a built schema, with whether properties alone lead there. */
function annotations(
  schema: unknown,
  path: readonly string[] = [],
  chain = true,
): [readonly string[], boolean, Json][] {
  if (Array.isArray(schema)) return schema.flatMap((each) => annotations(each, path, false));
  if (typeof schema !== 'object' || schema === null) return [];
  const found: [readonly string[], boolean, Json][] = Object.hasOwn(schema, KEY)
    ? [[path, chain && path.length > 0, schema as Json]]
    : [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties')
      for (const [name, each] of Object.entries(value as Json))
        found.push(...annotations(each, [...path, name], chain));
    else if (['$defs', 'patternProperties', 'dependentSchemas'].includes(key))
      for (const each of Object.values(value as Json)) found.push(...annotations(each, path, false));
    else if (['items', 'not', 'additionalProperties', 'oneOf', 'allOf'].includes(key))
      found.push(...annotations(value, path, false));
  }
  return found;
}

describe('schemas of any shape', () => {
  const inTool = (text: string): Buffer => Buffer.from(`{ "name":"t","inputSchema" : ${text} ,"x":{"${KEY}":1}}`);

  test('#43 have a problem when one annotation is wrong, else what they declare', () => {
    fc.assert(
      fc.property(spelledSchema, ({ text }) => {
        const all = annotations(JSON.parse(text));
        const names = all.map(([, , schema]) => String(schema[KEY]).toLowerCase());
        const right =
          new Set(names).size === names.length &&
          all.every(
            ([, chain, { type, [KEY]: name }]) =>
              chain && ['A', 'B', 'a'].includes(name as string) && ['string', 'integer'].includes(type as string),
          );
        const { decls, problem } = headerDecls(inTool(text));
        expect(problem === undefined).toBe(right);
        const found = decls.map(({ path, type, name }) => `${name} ${path.join('/')} ${type}`);
        const expected = all.map(([path, , schema]) => `Mcp-Param-${schema[KEY]} ${path.join('/')} ${schema.type}`);
        expect(found.sort()).toEqual(right ? expected.sort() : []);
      }),
      { numRuns: 1000 },
    );
  });

  test('#43 lose their annotations and not one byte more', () => {
    fc.assert(
      fc.property(spelledSchema, ({ text, bare }) => {
        expect(withoutAnnotations(inTool(text)).toString()).toBe(inTool(bare).toString());
      }),
      { numRuns: 1000 },
    );
  });

  test('without annotations nothing is wrong with them', () => {
    fc.assert(
      fc.property(spelledSchema, ({ text }) => {
        expect(headerDecls(withoutAnnotations(inTool(text)))).toEqual({ decls: [], problem: undefined });
      }),
    );
  });
});
