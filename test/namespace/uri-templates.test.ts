import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bySpecificity, canonical, UriTemplate } from '../../src/namespace/uri-templates.ts';
import { expand, type Values } from './expand.ts';
import { anyTemplate, anyValues } from './template-arbitraries.ts';

/** The variables of RFC 6570 §3.2 and examples of its sections 3.2.2 to 3.2.9. */
const VALUES: Values = {
  dom: ['example', 'com'],
  hello: 'Hello World!',
  half: '50%',
  var: 'value',
  who: 'fred',
  base: 'http://example.com/home/',
  path: '/foo/bar',
  list: ['red', 'green', 'blue'],
  keys: { semi: ';', dot: '.', comma: ',' },
  v: '6',
  x: '1024',
  y: '768',
  empty: '',
  empty_keys: {},
};

const EXAMPLES: readonly [string, string][] = [
  ['{var}', 'value'],
  ['{hello}', 'Hello%20World%21'],
  ['{half}', '50%25'],
  ['O{empty}X', 'OX'],
  ['O{undef}X', 'OX'],
  ['{x,hello,y}', '1024,Hello%20World%21,768'],
  ['?{x,undef}', '?1024'],
  ['{var:3}', 'val'],
  ['{var:30}', 'value'],
  ['{list}', 'red,green,blue'],
  ['{keys}', 'semi,%3B,dot,.,comma,%2C'],
  ['{keys*}', 'semi=%3B,dot=.,comma=%2C'],
  ['{+hello}', 'Hello%20World!'],
  ['{base}index', 'http%3A%2F%2Fexample.com%2Fhome%2Findex'],
  ['{+base}index', 'http://example.com/home/index'],
  ['here?ref={+path}', 'here?ref=/foo/bar'],
  ['{+path:6}/here', '/foo/b/here'],
  ['{+keys*}', 'semi=;,dot=.,comma=,'],
  ['{#path,x}/here', '#/foo/bar,1024/here'],
  ['X{#undef}', 'X'],
  ['{#half}', '#50%25'],
  ['www{.dom*}', 'www.example.com'],
  ['X{.empty_keys}', 'X'],
  ['X{.keys*}', 'X.semi=%3B.dot=..comma=%2C'],
  ['{/var,x}/here', '/value/1024/here'],
  ['{/var:1,var}', '/v/value'],
  ['{/list*,path:4}', '/red/green/blue/%2Ffoo'],
  ['{;v,empty,who}', ';v=6;empty;who=fred'],
  ['{;keys*}', ';semi=%3B;dot=.;comma=%2C'],
  ['{?x,y,empty}', '?x=1024&y=768&empty='],
  ['{?x,y,undef}', '?x=1024&y=768'],
  ['{?list*}', '?list=red&list=green&list=blue'],
  ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
  ['{&var:3}', '&var=val'],
];

describe('expansions match', () => {
  test.each(EXAMPLES)('%s: %s', (template, expansion) => {
    expect(expand(template, VALUES)).toBe(expansion);
    expect(new UriTemplate(template).matches(expansion)).toBe(true);
  });

  test('every expansion of every template matches it', () => {
    fc.assert(
      fc.property(anyTemplate, anyValues, (raw, values) => {
        const template = new UriTemplate(raw);
        expect(template.valid).toBe(true);
        const uri = expand(raw, values);
        expect(template.matches(uri)).toBe(true);
        expect(uri.startsWith(template.literalPrefix)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('what matches', () => {
  test.each<[string, string, boolean]>([
    ['test://{id}', 'test://1', true],
    ['test://{id}', 'test://', true],
    ['test://{id}', 'test://a%2Fb', true],
    ['test://{id}', 'test://a/b', false],
    ['test://{id}', 'Test://1', false],
    ['test://{id}/x', 'test://1/x', true],
    ['test://{id}/x', 'test://1/y', false],
    ['test://{+path}', 'test://a/b?c#d', true],
    ['test://{path*}', 'test://a/b', true],
    ['test:/{/a,b}', 'test://a/b', true],
    ['test:/{/a}', 'test://a/b', false],
    ['test://q{?a,b}', 'test://q', true],
    ['test://q{?a,b}', 'test://q?b=1/2', true],
    ['test://q{?a,b}', 'test://q&b=1', false],
    ['test://{user-id}', 'test://7', true],
    ['test://{a}-{b}-{c}', 'test://1-2-3', true],
    ['test://{a}-{b}-{c}', 'test://1-2', false],
    ['test://{a}b', 'test://b', true],
    ['test://a{b}a', 'test://a', false],
    ['test://café/{x}', 'test://café/1', true],
    ['test://café/{x}', 'test://caf%C3%A9/1', true],
    ['test://{x}', 'test://a b\n"é🙂\ud800', true],
    ['test://%41/{x}', 'test://A/1', false],
    ['plain://x', 'plain://x', true],
    ['plain://x', 'plain://xy', false],
  ])('%s and %j: %j', (template, uri, expected) => {
    expect(new UriTemplate(template).matches(uri)).toBe(expected);
  });

  test.each([
    '{',
    '}',
    '{}',
    'a{b',
    'a}b',
    '{a{b}}',
    '{=x}',
    '{!x}',
    '{a,}',
    '{,a}',
    '{a b}',
    '{a:0}',
    '{a:x}',
    '{a**}',
    '{+}',
  ])('the invalid template %j matches itself only', (raw) => {
    const template = new UriTemplate(raw);
    expect(template.valid).toBe(false);
    expect(template.expressions).toBe(0);
    expect(template.matches(raw)).toBe(true);
    for (const other of ['', 'a', 'x', canonical(raw), `${raw}x`]) {
      if (other !== raw) expect(template.matches(other)).toBe(false);
    }
  });

  test('templates beyond the limits are invalid', () => {
    expect(new UriTemplate(`x:${'{a}'.repeat(64)}`).valid).toBe(true);
    expect(new UriTemplate(`x:${'{a}'.repeat(65)}`).valid).toBe(false);
    expect(new UriTemplate(`${'x'.repeat(2_045)}{a}`).valid).toBe(true);
    const long = new UriTemplate(`${'x'.repeat(2_046)}{a}`);
    expect(long.valid).toBe(false);
    expect(long.overlaps(new UriTemplate(long.raw))).toBe(true);
  });

  test('very long URIs match nothing', () => {
    const template = new UriTemplate('x:{+a}');
    expect(template.matches(`x:${'a'.repeat(8_190)}`)).toBe(true);
    expect(template.matches(`x:${'a'.repeat(8_191)}`)).toBe(false);
  });

  test('a template made to be slow is answered in time', () => {
    const template = new UriTemplate(`x:${'{+a}a'.repeat(60)}b`);
    const start = performance.now();
    expect(template.matches(`x:${'a'.repeat(8_000)}b`)).toBe(true);
    expect(template.matches(`x:${'a'.repeat(8_000)}cb`)).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test('a used-up budget gives the careful answer', () => {
    expect(new UriTemplate('x:{a}z').matches('x:/z')).toBe(false);
    expect(new UriTemplate('x:{a}z').matches('x:/z', { steps: 3 })).toBe(true);
    expect(new UriTemplate('x:{a}/').overlaps(new UriTemplate('x:{+b}//'))).toBe(false);
    expect(new UriTemplate('x:{a}/').overlaps(new UriTemplate('x:{+b}//'), { steps: 3 })).toBe(true);
  });
});

describe('overlaps', () => {
  test.each<[string, string, boolean]>([
    ['test://{a}', 'test://{b}', true],
    ['test://{a}', 'other://{b}', false],
    ['test://{a}/x', 'test://{a}/y', false],
    ['test://a/{x}', 'test://b/{x}', false],
    ['test://a{x}', 'test://ab{x}', true],
    ['test://{a}/{b}', 'test://{a}', false],
    ['test://{a}.txt', 'test://readme{b}', true],
    ['test://q{?a}', 'test://q', true],
    ['test://q{?a}', 'test://q?a=1', true],
    ['test://q{#a}', 'test://q{?b}', true],
    ['test://q{#a}z', 'test://q{?b}y', false],
    ['test://x', 'test://x', true],
    ['test://{a}-b{c}', 'test://b{a}-{c}', true],
    ['a{b', 'a{b', true],
    ['a{b', 'a{c', false],
    ['a{b', 'a{b}', true],
    ['a{b', 'x{b}', false],
    ['é:{a}', '%C3%A9:{a}', true],
    ['{+a}', 'ui://{b}', true],
  ])('%s and %s: %j', (a, b, expected) => {
    expect(new UriTemplate(a).overlaps(new UriTemplate(b))).toBe(expected);
    expect(new UriTemplate(b).overlaps(new UriTemplate(a))).toBe(expected);
  });

  test('never denied where an expansion of one matches the other', () => {
    let both = 0;
    fc.assert(
      fc.property(anyTemplate, anyTemplate, anyValues, (a, b, values) => {
        const [one, two] = [new UriTemplate(a), new UriTemplate(b)];
        if (!two.matches(expand(a, values))) return;
        both++;
        expect(one.overlaps(two)).toBe(true);
        expect(two.overlaps(one)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(both).toBeGreaterThan(50);
  });

  test('never denied to two templates that were cut from one URI', () => {
    const uri = fc.string({ unit: fc.constantFrom('a', 'b', ':', '.', '-'), minLength: 1, maxLength: 12 });
    const cuts = fc.array(fc.tuple(fc.nat(12), fc.nat(4)), { maxLength: 3 });
    fc.assert(
      fc.property(uri, cuts, cuts, (text, first, second) => {
        const [one, two] = [first, second].map((each) => new UriTemplate(cut(text, each)));
        expect(one!.matches(text)).toBe(true);
        expect(two!.matches(text)).toBe(true);
        expect(one!.overlaps(two!)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('two templates made to be slow to compare are answered in time', () => {
    const [a, b] = ['b', 'c'].map((end) => new UriTemplate(`x:${'{+a}aaaaaaaaaaaaaaaa'.repeat(60)}${end}{x}z`));
    const start = performance.now();
    expect(a!.overlaps(b!)).toBe(true);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

/** Puts an expression in the place of each of some pieces of `text`, from right to left. */
function cut(text: string, pieces: readonly (readonly [number, number])[]): string {
  let end = text.length;
  let rest = '';
  for (const [at, length] of [...pieces].sort(([a], [b]) => b - a)) {
    if (at + length > end) continue;
    rest = `{v}${text.slice(at + length, end)}${rest}`;
    end = at;
  }
  return text.slice(0, end) + rest;
}

test('the most specific template comes first', () => {
  const order = ['test://a/b/{x}', 'test://a/{x}', 'test://a/{y}', 'test://a/{x}{y}', 'test://{+x}', '{+x}'];
  const shuffled = [4, 0, 3, 5, 2, 1].map((i) => new UriTemplate(order[i]!));
  expect(shuffled.sort(bySpecificity).map(({ raw }) => raw)).toEqual(order);
});
