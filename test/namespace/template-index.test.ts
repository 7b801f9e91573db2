import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ListedUri,
  markContested,
  type OwnedTemplate,
  TemplateIndex,
} from '../../src/namespace/template-index.ts';
import { bySpecificity, UriTemplate } from '../../src/namespace/uri-templates.ts';
import { uriTable } from '../../src/namespace/uris.ts';
import { expand } from './expand.ts';
import { anyTemplate, anyValues } from './template-arbitraries.ts';

const own = (upstream: string, raw: string): OwnedTemplate => ({
  upstream,
  template: new UriTemplate(raw),
  contested: false,
});

const anyOwned = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), anyTemplate), { maxLength: 12 });

describe('the index', () => {
  test('finds what asking every template finds, the most specific first', () => {
    fc.assert(
      fc.property(anyOwned, anyValues, (owned, values) => {
        const entries = owned.map(([upstream, text]) => own(upstream, text));
        const uri = expand(owned[0]?.[1] ?? '', values);
        const found = [...new TemplateIndex(entries).matching(uri)];
        expect(new Set(found)).toEqual(new Set(entries.filter(({ template }) => template.matches(uri))));
        const inOrder = found.map(({ template }) => template).sort(bySpecificity);
        expect(found.map(({ template }) => template.raw)).toEqual(inOrder.map(({ raw }) => raw));
      }),
      { numRuns: 500 },
    );
  });

  test('finds templates whose text is spelled otherwise than the URI', () => {
    const index = new TemplateIndex([own('a', 'test://café au lait/{x}')]);
    expect([...index.matching('test://caf%C3%A9 au%20lait/1')]).toHaveLength(1);
  });
});

describe('contested templates', () => {
  test('are those that asking every pair finds', () => {
    const uris = fc.array(fc.tuple(anyTemplate, anyValues, fc.constantFrom('a', 'b', null)), { maxLength: 4 });
    fc.assert(
      fc.property(anyOwned, uris, (owned, expansions) => {
        const entries = owned.map(([upstream, text]) => own(upstream, text));
        const listed = expansions.map(([raw, values, upstream]): ListedUri => [expand(raw, values), upstream]);
        markContested(entries, listed);
        for (const { upstream, template, contested } of entries) {
          const rival = entries.some((other) => other.upstream !== upstream && other.template.overlaps(template));
          const taken = listed.some(([uri, lister]) => lister !== upstream && template.matches(uri));
          expect(contested).toBe(rival || taken);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('are taken to be so where telling would take too long', () => {
    const many = (upstream: string) => Array.from({ length: 3_000 }, (_, i) => own(upstream, `x:{a}/${upstream}${i}`));
    const entries = [...many('a'), ...many('b')];
    const start = performance.now();
    markContested(entries, []);
    expect(performance.now() - start).toBeLessThan(2_000);
    const marked = (all: readonly OwnedTemplate[]) =>
      new Set(all.filter((e) => e.contested).map((e) => e.template.raw));
    expect(marked(entries).size).toBeGreaterThan(0);
    const reversed = [...many('b'), ...many('a')].reverse();
    markContested(reversed, []);
    expect(marked(reversed)).toEqual(marked(entries));
  });
});

test('ten thousand URIs and a thousand templates take less than a second', () => {
  const sources = ['a', 'b', 'c', 'd', 'e'].map((id, n) => ({
    id,
    uris: Array.from({ length: 2_000 }, (_, i) => `files://${i % 7 === 0 ? 'shared' : id}/folder/${i}.txt`),
    templates: Array.from({ length: 200 }, (_, i) => `files://${id}/folder${i + n}/{name}/{+rest}`),
    uiUris: [`ui://${id}/main`],
  }));
  const start = performance.now();
  const table = uriTable(sources, { transparent: false });
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(table.exposeUri('b', 'files://shared/folder/7.txt')).toBe('mcp+b:files://shared/folder/7.txt');
  expect(table.exposeUri('b', 'files://b/folder/1.txt')).toBe('files://b/folder/1.txt');
  expect(table.resolveUri('files://c/folder9/x/y/z')).toEqual({ upstream: 'c', uri: 'files://c/folder9/x/y/z' });
});
