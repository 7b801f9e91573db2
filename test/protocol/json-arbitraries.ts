/** JSON texts with all the freedom of spelling that RFC 8259 leaves: white space, escapes, forms of numbers. */
import fc from 'fast-check';

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 2 });

const numberText = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0' : String(value))),
  fc.constantFrom('-0', '0.0', '1.0', '1E+2', '5e-324', '12345678901234567890', '-0.10e-7'),
);

/** One character of a string, as it may be spelled between the quotes. */
const spelledCharacter = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom('\\u0041', '\\u00E9', '\\/', '/', '\\n', '\\\\', '\\"', '\\ud83d\\ude00', '\u007f', '\u2028', '😀'),
);

/** A string's JSON text, quotes included. */
export const stringText: fc.Arbitrary<string> = fc
  .array(spelledCharacter, { maxLength: 6 })
  .map((characters) => `"${characters.join('')}"`);

const inSpace = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(space, text, space).map((parts) => parts.join(''));

// V8 14.6 takes the key "\\/" for "\\\\" where it has just seen one such object: what parses here for comparison would be wrong
const keyText = fc.oneof(
  { weight: 4, arbitrary: stringText.filter((text) => !text.includes('\\\\')) },
  { weight: 1, arbitrary: fc.constantFrom('"__proto__"', '"constructor"', '""', '"id"', '"\\u0069d"', '"is"') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '"name"',
      '"nam\\u0065"',
      '"namé"',
      '"nams"',
      '"structuredContent"',
      '"structuredcontent"',
    ),
  },
);

const { value, object, array } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(stringText, numberText, fc.constantFrom('true', 'false', 'null')),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .tuple(
      fc.array(
        fc.tuple(inSpace(keyText), inSpace(tie('value'))).map(([key, text]) => `${key}:${text}`),
        { maxLength: 5 },
      ),
      space,
    )
    .map(([list, empty]) => `{${list.length > 0 ? list.join(',') : empty}}`),
  array: fc
    .tuple(fc.array(inSpace(tie('value')), { maxLength: 5 }), space)
    .map(([list, empty]) => `[${list.length > 0 ? list.join(',') : empty}]`),
}));

/** The text of any JSON value, without white space around it. */
export const valueText: fc.Arbitrary<string> = value;

/** The text of an object, duplicate keys included, without white space around it. */
export const objectText: fc.Arbitrary<string> = object;

/** The text of an array, without white space around it. */
export const arrayText: fc.Arbitrary<string> = array;

/** The text of any JSON value, with white space around it. */
export const documentText: fc.Arbitrary<string> = inSpace(value);

const MARKS = ['{', '}', '[', ']', ',', ':', '"', '\\', 'u', 'e', '-', '.', '0', '1', ' ', '\u0000', '\u00a0', 't'];

/** A JSON text in which one place was cut out, replaced, put in, or from which on everything is missing. */
export const damagedText: fc.Arbitrary<string> = fc
  .tuple(documentText, fc.nat(), fc.nat({ max: 3 }), fc.constantFrom('cut', 'replace', 'insert', 'truncate'), fc.nat())
  .map(([text, at, count, how, mark]) => {
    const place = at % (text.length + 1);
    const put = MARKS[mark % MARKS.length] ?? '';
    if (how === 'truncate') return text.slice(0, place);
    return text.slice(0, place) + (how === 'cut' ? '' : put) + text.slice(how === 'insert' ? place : place + count);
  });
