import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { dotted, formatProblem, valueAt } from '../../src/config/problems.ts';

test('formats place, path, value, message and mend in one line', () => {
  const problem = {
    path: 'upstreams.docs.sharing',
    line: 12,
    column: 5,
    value: '"sharred"',
    message: 'is not one of session, user, shared',
    mend: 'did you mean "shared"?',
  };
  expect(formatProblem(problem, 'config/patchbay.yaml')).toBe(
    'config/patchbay.yaml:12:5 upstreams.docs.sharing: "sharred" is not one of session, user, shared; did you mean "shared"?',
  );
});

test('leaves out what a problem does not have', () => {
  expect(formatProblem({ path: '', message: 'the file is empty', mend: 'fill it' }, 'a.yaml')).toBe(
    'a.yaml: the file is empty; fill it',
  );
});

test.each([
  [['upstreams', 'docs', 'timeouts', 'call'], 'upstreams.docs.timeouts.call'],
  [['upstreams', 'my server', 'args', 2], 'upstreams."my server".args[2]'],
  [['upstreams', 'a.b', 'url'], 'upstreams."a.b".url'],
  [['upstreams', 'a"b'], 'upstreams."a\\"b"'],
  [['upstreams', '', 'url'], 'upstreams."".url'],
  [[''], '""'],
  [[], ''],
])('%j is written %s', (path, text) => expect(dotted(path)).toBe(text));

test('finds own values only', () => {
  expect(valueAt({ a: [{ b: 1 }] }, ['a', 0, 'b'])).toBe(1);
  expect(valueAt({ a: 1 }, ['constructor'])).toBeUndefined();
  expect(valueAt({ a: 'text' }, ['a', 'length'])).toBeUndefined();
});

test('whatever a file holds, there is an answer, and every problem is one line with a mend', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, 'shared', '5m', `\${env:X}`, `\${port}`),
  );
  const key = fc.oneof(
    fc.constantFrom(
      'server',
      'upstreams',
      'mcpServers',
      'names',
      'command',
      'url',
      'args',
      'env',
      'headers',
      'timeouts',
      'port',
    ),
    fc.string({ maxLength: 6 }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (data) => {
      const result = parseConfig(JSON.stringify(data), { file: 'patchbay.yaml', env: { X: 'hunter2' } });
      for (const problem of result.ok ? result.warnings : result.problems) {
        const line = formatProblem(problem, 'patchbay.yaml');
        expect(line).toMatch(/^patchbay\.yaml(:\d+:\d+)?( .+)?: .+; .+$/);
        expect(line).not.toMatch(/undefined|hunter2|\n/);
      }
    }),
    { numRuns: 300 },
  );
});
