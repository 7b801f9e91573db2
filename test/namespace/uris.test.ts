import { describe, expect, test } from 'vitest';
import { LearnedUris } from '../../src/namespace/learned.ts';
import { type UriSource, type UriTable, uriTable } from '../../src/namespace/uris.ts';

type Offer = Partial<Omit<UriSource, 'id'>>;

function table(offers: Readonly<Record<string, Offer>>): UriTable {
  const sources = Object.entries(offers).map(([id, offer]) => ({ id, uris: [], templates: [], uiUris: [], ...offer }));
  return uriTable(sources, { transparent: false });
}

describe('one upstream, transparent', () => {
  const only = uriTable([{ id: 'only', uris: ['test://a'], templates: [], uiUris: [] }], { transparent: true });

  test.each(['test://a', 'test://unlisted', 'mcp+only:x', 'ui://only.x', 'https://x', ''])(
    '%j passes unchanged',
    (uri) => {
      expect(only.exposeUri('only', uri)).toBe(uri);
      expect(only.resolveUri(uri)).toEqual({ upstream: 'only', uri });
      expect(only.exposeTemplate('only', uri)).toBe(uri);
      expect(only.resolveTemplate(uri)).toEqual({ upstream: 'only', template: uri });
    },
  );

  test('is not heeded where there are several upstreams, or none', () => {
    const sources = ['a', 'b'].map((id) => ({ id, uris: ['test://x'], templates: [], uiUris: [] }));
    expect(uriTable(sources, { transparent: true }).exposeUri('b', 'test://x')).toBe('mcp+b:test://x');
    expect(uriTable([], { transparent: true }).resolveUri('test://x')).toBeUndefined();
  });
});

describe('listed URIs', () => {
  test('of one upstream stay as they are', () => {
    const uris = table({ a: { uris: ['test://x'] }, b: { uris: ['test://y'], uiUris: ['ui://app/main'] } });
    expect(uris.exposeUri('a', 'test://x')).toBe('test://x');
    expect(uris.exposeUri('b', 'ui://app/main')).toBe('ui://app/main');
    expect(uris.resolveUri('test://y')).toEqual({ upstream: 'b', uri: 'test://y' });
    expect(uris.resolveUri('ui://app/main')).toEqual({ upstream: 'b', uri: 'ui://app/main' });
  });

  test('of several upstreams are qualified for each of them', () => {
    const both = { uris: ['test://x', 'https://x.example/'], uiUris: ['ui://app/main'] };
    const uris = table({ a: both, 'My B': both, c: {} });
    for (const [upstream, label] of [
      ['a', 'a'],
      ['My B', 'my-b'],
    ] as const) {
      expect(uris.exposeUri(upstream, 'test://x')).toBe(`mcp+${label}:test://x`);
      expect(uris.exposeUri(upstream, 'https://x.example/')).toBe(`mcp+${label}:https://x.example/`);
      expect(uris.exposeUri(upstream, 'ui://app/main')).toBe(`ui://${label}.app/main`);
      expect(uris.resolveUri(`mcp+${label}:test://x`)).toEqual({ upstream, uri: 'test://x' });
      expect(uris.resolveUri(`ui://${label}.app/main`)).toEqual({ upstream, uri: 'ui://app/main' });
    }
    expect(uris.resolveUri('test://x')).toBeUndefined();
  });

  test('a ui URI that another upstream lists as a resource is contested too', () => {
    const uris = table({ a: { uiUris: ['ui://app'] }, b: { uris: ['ui://app'] } });
    expect(uris.exposeUri('a', 'ui://app')).toBe('ui://a.app');
    expect(uris.exposeUri('b', 'ui://app')).toBe('ui://b.app');
  });

  test('that could be read as qualified forms are qualified', () => {
    const hostile = ['mcp+b:test://x', 'MCP+none:x', 'ui://b.app', 'UI://B.app'];
    const uris = table({ a: { uris: hostile }, b: { uris: ['test://x', 'ui://app'] } });
    expect(hostile.map((uri) => uris.exposeUri('a', uri))).toEqual([
      'mcp+a:mcp+b:test://x',
      'mcp+a:MCP+none:x',
      'ui://a.b.app',
      'mcp+a:UI://B.app',
    ]);
    expect(uris.resolveUri('mcp+b:test://x')).toEqual({ upstream: 'b', uri: 'test://x' });
    expect(uris.resolveUri('ui://b.app')).toEqual({ upstream: 'b', uri: 'ui://app' });
    for (const uri of hostile) expect(uris.resolveUri(uris.exposeUri('a', uri))).toEqual({ upstream: 'a', uri });
  });
});

describe('templates', () => {
  test('of one upstream stay as they are and route reads and completions', () => {
    const uris = table({ a: { templates: ['test://{id}'] }, b: { templates: ['other://{id}'] } });
    expect(uris.exposeTemplate('a', 'test://{id}')).toBe('test://{id}');
    expect(uris.resolveTemplate('other://{id}')).toEqual({ upstream: 'b', template: 'other://{id}' });
    expect(uris.resolveUri('test://a%2Fb%20c')).toEqual({ upstream: 'a', uri: 'test://a%2Fb%20c' });
    expect(uris.exposeUri('a', 'test://1')).toBe('test://1');
    expect(uris.exposeUri('b', 'test://1')).toBe('mcp+b:test://1');
  });

  test('that overlap are qualified, and so is what comes from them', () => {
    const uris = table({
      a: { templates: ['test://{x}', 'test://a/b/{x}'] },
      b: { templates: ['test://{y}', 'ui://q/{y}'] },
    });
    expect(uris.exposeTemplate('a', 'test://{x}')).toBe('mcp+a:test://{x}');
    expect(uris.exposeTemplate('b', 'test://{y}')).toBe('mcp+b:test://{y}');
    expect(uris.exposeTemplate('a', 'test://a/b/{x}')).toBe('test://a/b/{x}');
    expect(uris.resolveTemplate('mcp+b:test://{y}')).toEqual({ upstream: 'b', template: 'test://{y}' });
    expect(uris.resolveTemplate('test://{x}')).toBeUndefined();
    expect(uris.exposeUri('a', 'test://1', new LearnedUris())).toBe('mcp+a:test://1');
    expect(uris.resolveUri('test://1')).toBeUndefined();
    expect(uris.resolveUri('test://a/b/1')).toEqual({ upstream: 'a', uri: 'test://a/b/1' });
  });

  test('a template gives way to a URI that another upstream lists', () => {
    const uris = table({ a: { templates: ['test://{x}'], uris: ['test://mine'] }, b: { uris: ['test://b'] } });
    expect(uris.exposeTemplate('a', 'test://{x}')).toBe('mcp+a:test://{x}');
    expect(uris.exposeUri('b', 'test://b')).toBe('test://b');
    expect(uris.exposeUri('a', 'test://mine')).toBe('test://mine');
    expect(uris.exposeUri('a', 'test://b')).toBe('mcp+a:test://b');
  });

  test('a template gives way to a URI that several others list', () => {
    const uris = table({ a: { templates: ['test://{x}'] }, b: { uris: ['test://b'] }, c: { uris: ['test://b'] } });
    expect(uris.exposeTemplate('a', 'test://{x}')).toBe('mcp+a:test://{x}');
  });

  test('its own listed URIs do not make a template contested', () => {
    const uris = table({ a: { templates: ['test://{x}'], uris: ['test://mine'] }, b: { uris: ['other://b'] } });
    expect(uris.exposeTemplate('a', 'test://{x}')).toBe('test://{x}');
  });

  test('the most specific of one upstream decides whether its expansions stay as they are', () => {
    const uris = table({ a: { templates: ['test://a/{x}', 'test://{+x}'] }, b: { uris: ['test://b'] } });
    expect(uris.exposeUri('a', 'test://a/1')).toBe('test://a/1');
    expect(uris.exposeUri('a', 'test://c/1', new LearnedUris())).toBe('mcp+a:test://c/1');
  });

  test('a template that could expand to a qualified form is qualified', () => {
    const uris = table({ a: { templates: ['{+uri}', 'ui://{app}/main', 'ui://app/{x}'] }, b: {} });
    expect(uris.exposeTemplate('a', '{+uri}')).toBe('mcp+a:{+uri}');
    expect(uris.exposeTemplate('a', 'ui://{app}/main')).toBe('ui://a.{app}/main');
    expect(uris.exposeTemplate('a', 'ui://app/{x}')).toBe('ui://app/{x}');
  });

  test('an invalid template is passed through like a name', () => {
    const uris = table({ a: { templates: ['test://{x'] }, b: { templates: ['test://{y'] } });
    expect(uris.exposeTemplate('a', 'test://{x')).toBe('test://{x');
    expect(uris.resolveTemplate('test://{y')).toEqual({ upstream: 'b', template: 'test://{y' });
    expect(uris.resolveUri('test://x')).toBeUndefined();
  });

  test('a template that is not in the catalog is qualified', () => {
    const uris = table({ a: {}, b: {} });
    expect(uris.exposeTemplate('a', 'test://{x}')).toBe('mcp+a:test://{x}');
    expect(uris.resolveTemplate('mcp+a:test://{x}')).toEqual({ upstream: 'a', template: 'test://{x}' });
  });
});

describe('URIs that came in results', () => {
  const offers = { a: { uris: ['test://a'] }, b: { uris: ['test://b'] } };

  test('stay as they are while they are learned from one upstream', () => {
    const uris = table(offers);
    const learned = new LearnedUris();
    expect(uris.exposeUri('a', 'new://1', learned)).toBe('new://1');
    expect(uris.resolveUri('new://1', learned)).toEqual({ upstream: 'a', uri: 'new://1' });
    expect(uris.exposeUri('b', 'new://1', learned)).toBe('mcp+b:new://1');
    expect(uris.resolveUri('new://1', learned)).toEqual({ upstream: 'a', uri: 'new://1' });
    expect(uris.resolveUri('new://1')).toBeUndefined();
    expect(uris.resolveUri('new://1', new LearnedUris())).toBeUndefined();
  });

  test('are qualified where nothing can be learned', () => {
    const uris = table(offers);
    expect(uris.exposeUri('a', 'new://1')).toBe('mcp+a:new://1');
    expect(uris.exposeUri('a', `new://${'1'.repeat(10_000)}`, new LearnedUris())).toMatch(/^mcp\+a:new:/);
  });

  test('web links stay as they are, learned where they are free', () => {
    const uris = table({ a: {}, b: { uris: ['https://b.example/'], templates: ['https://t.example/{x}'] } });
    const learned = new LearnedUris();
    for (const uri of ['https://b.example/', 'https://t.example/1', 'HTTP://free.example/']) {
      expect(uris.exposeUri('a', uri, learned)).toBe(uri);
      expect(uris.exposeUri('a', uri)).toBe(uri);
    }
    expect(learned.size).toBe(1);
    expect(uris.resolveUri('HTTP://free.example/', learned)?.upstream).toBe('a');
    expect(uris.resolveUri('https://t.example/1', learned)?.upstream).toBe('b');
    expect(uris.exposeUri('b', 'HTTP://free.example/', learned)).toBe('HTTP://free.example/');
    expect(uris.resolveUri('HTTP://free.example/', learned)?.upstream).toBe('a');
  });

  test('an owner that is no longer configured is not an owner', () => {
    const uris = table(offers);
    const learned = new LearnedUris();
    learned.learn('new://1', 'gone');
    expect(uris.resolveUri('new://1', learned)).toBeUndefined();
    expect(uris.exposeUri('a', 'new://1', learned)).toBe('new://1');
    expect(uris.resolveUri('new://1', learned)?.upstream).toBe('a');
  });

  test('of an upstream that is not configured are left alone', () => {
    const learned = new LearnedUris();
    expect(table(offers).exposeUri('gone', 'test://a', learned)).toBe('test://a');
    expect(learned.size).toBe(0);
  });
});

describe('URIs nothing attributes', () => {
  test('go to the one upstream that offers resources', () => {
    for (const offer of [{ uris: ['test://a'] }, { templates: ['test://{a}'] }, { uiUris: ['ui://a'] }]) {
      const uris = table({ a: offer, b: {} });
      expect(uris.resolveUri('new://1')).toEqual({ upstream: 'a', uri: 'new://1' });
      expect(uris.resolveTemplate('new://{x}')).toEqual({ upstream: 'a', template: 'new://{x}' });
    }
  });

  test('are not found where several or none do', () => {
    expect(table({ a: { uris: ['x:1'] }, b: { uiUris: ['ui://x'] } }).resolveUri('new://1')).toBeUndefined();
    expect(table({ a: {}, b: {} }).resolveUri('new://1')).toBeUndefined();
    expect(table({ a: {}, b: {} }).resolveTemplate('new://{x}')).toBeUndefined();
  });

  test('qualified forms of unknown upstreams are not found, even where one alone offers resources', () => {
    const uris = table({ a: { uris: ['test://a'] }, b: {} });
    for (const uri of ['mcp+c:test://a', 'mcp+', 'MCP+a', 'mcp+__proto__:x']) {
      expect(uris.resolveUri(uri)).toBeUndefined();
      expect(uris.resolveTemplate(uri)).toBeUndefined();
    }
  });

  test('qualified forms may be lower-cased in the scheme, or upper-cased', () => {
    const uris = table({ a: { uris: ['Test://A'] }, b: { uris: ['Test://A'] } });
    expect(uris.resolveUri('MCP+A:Test://A')).toEqual({ upstream: 'a', uri: 'Test://A' });
  });
});
