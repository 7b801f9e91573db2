import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LearnedUris } from '../../src/namespace/learned.ts';
import { UriTemplate } from '../../src/namespace/uri-templates.ts';
import { type UriSource, uriTable } from '../../src/namespace/uris.ts';
import { upstreamIds } from './arbitraries.ts';
import { expand } from './expand.ts';
import { anyTemplate, anyValues } from './template-arbitraries.ts';

const anyUri = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '',
      'test://a',
      'test://a/b',
      'test://a b/é🙂\ud800',
      'test://%61',
      'TEST://a',
      'mcp+a:test://a',
      'mcp+b:mcp+a:x',
      'MCP+My-Server:x',
      'mcp+',
      'ui://a',
      'ui://a.b/c',
      'ui://b.a.c',
      'UI://a.x',
      'ui://',
      'ui://app/main',
      'https://a.example/x',
      'http:',
      'file:///a/b',
      `long:${'x'.repeat(3_000)}`,
      `long:${'x'.repeat(10_000)}`,
      '{x}',
      '__proto__',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '?', '-'), maxLength: 6 }) },
);

const anyRawTemplate = fc.oneof(
  fc.constantFrom(
    'test://{x}',
    'test://{+x}',
    'test://a/{x}',
    'test://a',
    'ui://{x}',
    'ui://a.{x}',
    'ui://app/{x}',
    'mcp+{x}',
    'mcp+b:{+x}',
    'https://a.example/{x}',
    'file:///{+path}',
    'bad{',
    '{x',
  ),
  anyTemplate,
);

const anySources = (minLength: number): fc.Arbitrary<UriSource[]> =>
  upstreamIds(minLength).chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc.record({
          id: fc.constant(id),
          uris: fc.array(anyUri, { maxLength: 5 }),
          templates: fc.array(anyRawTemplate, { maxLength: 3 }),
          uiUris: fc.array(anyUri, { maxLength: 2 }),
        }),
      ),
    ),
  );

const shared = (sources: readonly UriSource[]) => uriTable(sources, { transparent: false });
const listedBy = ({ uris, uiUris }: UriSource) => [...new Set([...uris, ...uiUris])];

describe('whatever upstreams offer', () => {
  test('each listed URI has an exposed form of its own that leads back to it', () => {
    fc.assert(
      fc.property(anySources(1), (sources) => {
        const table = shared(sources);
        const exposed = sources.flatMap((source) =>
          listedBy(source).map((uri) => {
            const form = table.exposeUri(source.id, uri);
            expect(table.resolveUri(form)).toEqual({ upstream: source.id, uri });
            expect(table.exposeUri(source.id, uri, new LearnedUris())).toBe(form);
            return form;
          }),
        );
        expect(new Set(exposed).size).toBe(exposed.length);
      }),
      { numRuns: 500 },
    );
  });

  test('each template has an exposed form of its own that leads back to it', () => {
    fc.assert(
      fc.property(anySources(1), (sources) => {
        const table = shared(sources);
        const exposed = sources.flatMap(({ id, templates }) =>
          [...new Set(templates)].map((template) => {
            const form = table.exposeTemplate(id, template);
            expect(table.resolveTemplate(form)).toEqual({ upstream: id, template });
            return form;
          }),
        );
        expect(new Set(exposed).size).toBe(exposed.length);
      }),
      { numRuns: 500 },
    );
  });

  test('an expansion of an exposed template is the exposed form of an expansion, and reaches the owner', () => {
    fc.assert(
      fc.property(anySources(1), anyValues, (sources, values) => {
        const table = shared(sources);
        for (const { id, templates } of sources) {
          for (const template of templates.filter((raw) => new UriTemplate(raw).valid)) {
            const read = expand(table.exposeTemplate(id, template), values);
            expect(table.resolveUri(read)).toEqual({ upstream: id, uri: expand(template, values) });
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('URIs that came in results lead back to where they came from, now and later', () => {
    fc.assert(
      fc.property(
        anySources(1),
        fc.array(fc.tuple(fc.nat(), anyUri), { maxLength: 30 }),
        fc.boolean(),
        (sources, seen, learns) => {
          const table = shared(sources);
          const learned = learns ? new LearnedUris() : undefined;
          const shown = seen.map(([pick, uri]) => {
            const source = sources[pick % sources.length]!;
            return { source, uri, form: table.exposeUri(source.id, uri, learned) };
          });
          for (const { source, uri, form } of shown) {
            const isLink = /^https?:/.test(uri) && !listedBy(source).includes(uri);
            if (isLink) expect(form).toBe(uri);
            else expect(table.resolveUri(form, learned)).toEqual({ upstream: source.id, uri });
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a URI that one upstream alone lists stays as it is unless it could be read as a qualified form', () => {
    fc.assert(
      fc.property(anySources(1), (sources) => {
        const table = shared(sources);
        for (const source of sources) {
          for (const uri of listedBy(source).filter((each) => !/^(mcp\+|ui:\/\/)/i.test(each))) {
            const alone = sources.every((other) => other === source || !listedBy(other).includes(uri));
            expect(table.exposeUri(source.id, uri) === uri).toBe(alone);
          }
        }
      }),
    );
  });

  test('unrelated URIs of other upstreams change nothing', () => {
    const unrelated = { uris: ['zz:1', 'zz:2'], templates: ['zz:t/{x}'], uiUris: ['ui://zz/1'] };
    fc.assert(
      fc.property(anySources(2), fc.array(anyUri, { maxLength: 10 }), (sources, seen) => {
        const [last, ...others] = sources;
        const before = shared([...others, { ...last!, uris: [], templates: [], uiUris: [] }]);
        const after = shared([...others, { ...last!, ...unrelated }]);
        const learned = [new LearnedUris(), new LearnedUris()] as const;
        for (const { id, templates, ...listed } of others) {
          for (const uri of [...listedBy({ id, templates, ...listed }), ...seen]) {
            expect(after.exposeUri(id, uri, learned[1])).toBe(before.exposeUri(id, uri, learned[0]));
            expect(after.exposeUri(id, uri)).toBe(before.exposeUri(id, uri));
          }
          for (const template of templates) {
            expect(after.exposeTemplate(id, template)).toBe(before.exposeTemplate(id, template));
          }
        }
      }),
    );
  });

  test('the order of URIs and templates changes nothing', () => {
    fc.assert(
      fc.property(anySources(2), (sources) => {
        const reversed = sources.map(({ id, uris, templates, uiUris }) => ({
          id,
          uris: [...uiUris].reverse(),
          templates: [...templates].reverse(),
          uiUris: [...uris].reverse(),
        }));
        const [one, two] = [shared(sources), shared(reversed)];
        for (const source of sources) {
          for (const uri of listedBy(source)) expect(two.exposeUri(source.id, uri)).toBe(one.exposeUri(source.id, uri));
          for (const raw of source.templates) {
            expect(two.exposeTemplate(source.id, raw)).toBe(one.exposeTemplate(source.id, raw));
          }
        }
      }),
    );
  });
});
