import fc from 'fast-check';
import type { Values } from './expand.ts';

const NAMES = ['a', 'b', 'list', 'keys', 'none'] as const;

const literal = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '?', '-'), maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom('ab/', '%20', '#', '&a=', 'ui://', 'mcp+', ':') },
);

const variable = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom('', '', '', '*', ':2'))
  // A length limit is for strings only, RFC 6570 §2.4.1.
  .map(([name, modifier]) => (modifier === ':2' && (name === 'list' || name === 'keys') ? name : name + modifier));

const expression = fc
  .tuple(fc.constantFrom('', '', '+', '#', '.', '/', ';', '?', '&'), fc.array(variable, { minLength: 1, maxLength: 3 }))
  .map(([operator, variables]) => `{${operator}${variables.join(',')}}`);

/** A valid template over a small alphabet, so that two often have expansions in common. */
export const anyTemplate = fc.array(fc.oneof(literal, expression), { maxLength: 5 }).map((parts) => parts.join(''));

const value = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '-'), maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'é', '%41', '50%', ' ', '🙂', '\ud800', 'a,b', '{x}') },
);

/** Values for the variables of such templates; any of them may be absent. */
export const anyValues: fc.Arbitrary<Values> = fc.record(
  {
    a: value,
    b: value,
    list: fc.array(value, { maxLength: 3 }),
    keys: fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 2, noNullPrototype: true }),
  },
  { requiredKeys: [] },
);
