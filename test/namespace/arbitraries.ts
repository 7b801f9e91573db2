import fc from 'fast-check';

/** Strings that have broken such tables before: separators, hashes, prototypes, surrogates, long and empty ones. */
const AWKWARD = [
  '',
  'a',
  'b',
  'a__b',
  'a_',
  '_',
  '__',
  'a__b__c',
  'b__c',
  'b-c',
  'x.y',
  'x/y',
  'x_y',
  'My Server',
  'my-server',
  '__proto__',
  'constructor',
  'über',
  '日本',
  '🙂',
  '\ud800',
  '\udfff',
  'n'.repeat(70),
  `${'n'.repeat(70)}m`,
  'é'.repeat(500),
];

/** Any string, often a short or an awkward one. */
export const anyText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...AWKWARD) },
  { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '_', '-', '.'), maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
);

/** Distinct upstream ids. */
export const upstreamIds = (minLength: number) =>
  fc.uniqueArray(
    anyText.filter((id) => id !== ''),
    { minLength, maxLength: 6 },
  );
