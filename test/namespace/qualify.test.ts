import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Qualifier, uriLabels } from '../../src/namespace/qualify.ts';
import { UriTemplate } from '../../src/namespace/uri-templates.ts';
import { anyText, upstreamIds } from './arbitraries.ts';

describe('labels', () => {
  test('an id that can be a label is one, others are mapped', () => {
    expect(Object.fromEntries(uriLabels(['files', 'My Server', 'a_b', '日本']))).toEqual({
      files: 'files',
      'My Server': 'my-server',
      a_b: 'a-b',
      日本: 'u',
    });
  });

  test('ids that would share a label get a hash, except the one it belongs to', () => {
    const labels = uriLabels(['A.B', 'a b', 'a-b']);
    expect(labels.get('a-b')).toBe('a-b');
    expect(labels.get('A.B')).toMatch(/^a-b-[a-z2-7]{8}$/);
    expect(labels.get('a b')).toMatch(/^a-b-[a-z2-7]{8}$/);
    expect(labels.get('A.B')).not.toBe(labels.get('a b'));
  });

  test('an id that looks like a hashed label keeps it', () => {
    const squatter = uriLabels(['A.B', 'a-b']).get('A.B')!;
    const labels = uriLabels(['A.B', 'a-b', squatter]);
    expect(labels.get(squatter)).toBe(squatter);
    expect(labels.get('A.B')).toMatch(/^a-b-[a-z2-7]{12}$/);
  });

  test('labels are distinct, fit host names, and do not depend on the order of the ids', () => {
    fc.assert(
      fc.property(upstreamIds(1), (ids) => {
        const labels = uriLabels(ids);
        expect(new Set(labels.values()).size).toBe(ids.length);
        for (const label of labels.values()) expect(label).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
        const reversed = uriLabels([...ids].reverse());
        for (const id of ids) expect(reversed.get(id)).toBe(labels.get(id));
      }),
    );
  });
});

describe('qualified forms', () => {
  const qualifier = new Qualifier(['files', 'mail', 'My Server', 'kit']);

  test('only the beginning changes, and ui stays ui', () => {
    expect(qualifier.qualify('files', 'test://a?b#c')).toBe('mcp+files:test://a?b#c');
    expect(qualifier.qualify('My Server', 'ui://app/main')).toBe('ui://my-server.app/main');
    expect(qualifier.qualify('mail', 'UI://app/main')).toBe('mcp+mail:UI://app/main');
    expect(qualifier.qualify('files', 'test://{a}{?b}')).toBe('mcp+files:test://{a}{?b}');
  });

  test('case of scheme and label does not matter on the way back', () => {
    for (const uri of ['MCP+FILES:Test://A', 'mcp+Files:Test://A']) {
      expect(qualifier.parse(uri)).toEqual({ upstream: 'files', text: 'Test://A' });
    }
    expect(qualifier.parse('UI://MAIL.App/Main')).toEqual({ upstream: 'mail', text: 'ui://App/Main' });
  });

  test.each([
    'mcp+other:test://a',
    'mcp+files',
    'mcp+:x',
    'mcp+__proto__:x',
    'mcp+\u212ait:x',
    'ui://\u212ait.x',
    'test://a',
    '',
  ])('not a qualified form of a known upstream: %j', (uri) => {
    expect(qualifier.parse(uri)).toBeUndefined();
  });

  test('what no upstream can have made is recognised as such', () => {
    expect(qualifier.looksQualified('mcp+other:x')).toBe(true);
    expect(qualifier.looksQualified('MCP+')).toBe(true);
    expect(qualifier.looksQualified('Ui://Files.x')).toBe(true);
    expect(qualifier.looksQualified('ui://other.x')).toBe(false);
    expect(qualifier.looksQualified('ui://files')).toBe(false);
    expect(qualifier.looksQualified('mcp:x')).toBe(false);
  });

  test('qualifying and parsing are inverse, for every text', () => {
    const texts = fc.tuple(fc.constantFrom('', 'ui://', 'UI://', 'mcp+files:', 'ui://mail.', 'mcp+'), anyText);
    fc.assert(
      fc.property(upstreamIds(1), texts, fc.boolean(), (ids, [start, rest], lower) => {
        const some = new Qualifier(ids);
        const text = start + rest;
        for (const upstream of ids) {
          const exposed = some.qualify(upstream, text);
          const end = exposed.length - rest.length;
          const scheme = exposed.slice(0, exposed.indexOf(':'));
          expect(some.parse(exposed)).toEqual({ upstream, text });
          expect(some.looksQualified(exposed)).toBe(true);
          const recased = (lower ? scheme.toLowerCase() : scheme.toUpperCase()) + exposed.slice(scheme.length);
          expect(end).toBeGreaterThan(0);
          expect(some.parse(recased)).toEqual({ upstream, text });
        }
      }),
    );
  });

  test.each([
    ['mcp+{x}', true],
    ['MCP+other:{x}', true],
    ['{x}', true],
    ['{+x}', true],
    ['m{x}', true],
    ['{scheme}://{+rest}', true],
    ['ui://{app}/main', true],
    ['ui://Files.{x}', true],
    ['ui://fil{x}', true],
    ['mcp+{unclosed', true],
    ['ui://mail.{unclosed', true],
    ['ui://app/{x}', false],
    ['ui://other.{x}', false],
    ['ui://{x', false],
    ['m-{x}', false],
    ['test://{x}', false],
    ['mcp:{x}', false],
  ])('template %j may look qualified: %j', (raw, expected) => {
    expect(qualifier.mayLookQualified(new UriTemplate(raw))).toBe(expected);
  });
});
