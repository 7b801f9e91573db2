import { accepts, Builder, type Machine, meet } from './template-machine.ts';

/** Longer templates are taken as invalid, in UTF-16 units. */
const MAX_TEMPLATE = 2_048;
/** Longer URIs match no template, in UTF-16 units. */
const MAX_URI = 8_192;
const MAX_EXPRESSIONS = 64;

/** Steps that may still be spent on comparing; once they are used up the answer is the careful one. */
export interface Budget {
  steps: number;
}

/**
 * An operator and a list of variables, RFC 6570 §2.2 to §2.4. A hyphen in a variable name is not in the grammar but common.
 */
const EXPRESSION = /^([+#./;?&]?)((?:[\w-]|%[0-9a-f]{2})(?:\.?(?:[\w-]|%[0-9a-f]{2}))*(?:\*|:[1-9]\d{0,3})?(?:,|$))+$/i;
const UNSAFE = /[^\x21-\x7e]|["<>\\^`{|}]/;
const UNSAFE_ALL = new RegExp(UNSAFE, 'gu');

/** The spelling that URIs and literals are compared in: characters that no URI may hold become percent-encoded UTF-8. */
export function canonical(text: string): string {
  return UNSAFE.test(text) ? text.toWellFormed().replace(UNSAFE_ALL, encodeURIComponent) : text;
}

/**
 * A URI template (RFC 6570, levels 1 to 4), for telling which URIs are its expansions.
 *
 * It accepts every expansion and is otherwise as generous as upstreams are: a plain expression takes anything up to the next
 * `/`, an exploded, reserved or query expression takes anything. A template that does not parse, or is beyond the limits
 * above, matches its own text only.
 */
export class UriTemplate {
  readonly raw: string;
  readonly valid: boolean;
  /** What every match begins with, in the `canonical` spelling. */
  readonly literalPrefix: string;
  /** How many expressions it has; 0 where it is invalid. */
  readonly expressions: number;
  readonly #tail: string;
  readonly #machine: Machine | undefined;

  constructor(raw: string) {
    this.raw = raw;
    const parts = raw.length > MAX_TEMPLATE ? undefined : split(raw);
    this.valid = parts !== undefined;
    const literals = parts?.literals ?? [canonical(raw)];
    this.literalPrefix = literals[0]!;
    this.#tail = literals.at(-1)!;
    this.expressions = literals.length - 1;
    this.#machine = parts && build(parts);
  }

  /**
   * Tells whether `uri` may be an expansion; true without looking further where that would pass `budget`. Time grows with
   * the length of `uri` times that of the template at worst.
   */
  matches(uri: string, budget?: Budget): boolean {
    if (this.#machine === undefined) return uri === this.raw;
    if (uri.length > MAX_URI) return false;
    if (spent(budget, 1)) return true;
    const text = canonical(uri);
    if (!text.startsWith(this.literalPrefix) || !text.endsWith(this.#tail)) return false;
    if (this.expressions === 0) return text === this.literalPrefix;
    if (spent(budget, text.length)) return true;
    return accepts(this.#machine, text, this.literalPrefix.length);
  }

  /**
   * Tells whether some URI may match both templates. Never false where one does; true without looking further where the
   * comparison would pass `budget`.
   */
  overlaps(other: UriTemplate, budget: Budget = { steps: 100_000 }): boolean {
    if (this.#machine === undefined) return other.matches(this.raw);
    if (other.#machine === undefined) return this.matches(other.raw);
    if (spent(budget, 1)) return true;
    const [a, b] = [this.literalPrefix, other.literalPrefix];
    if (!(a.length < b.length ? b.startsWith(a) : a.startsWith(b))) return false;
    const [y, z] = [this.#tail, other.#tail];
    if (!(y.length < z.length ? z.endsWith(y) : y.endsWith(z))) return false;
    return meet(this.#machine, other.#machine, budget);
  }
}

/**
 * Orders templates, the most specific first: the longest literal prefix, then the fewest expressions, then by text.
 */
export function bySpecificity(a: UriTemplate, b: UriTemplate): number {
  return (
    b.literalPrefix.length - a.literalPrefix.length ||
    a.expressions - b.expressions ||
    (a.raw < b.raw ? -1 : Number(a.raw > b.raw))
  );
}

/** Takes `steps` off the budget, if there is one, and tells whether it is used up. */
function spent(budget: Budget | undefined, steps: number): boolean {
  if (budget === undefined) return false;
  budget.steps -= steps;
  return budget.steps < 0;
}

interface Parts {
  /** The texts around the expressions, one more than there are expressions; canonical. */
  readonly literals: readonly string[];
  readonly expressions: readonly { readonly operator: string; readonly variables: string }[];
}

function split(raw: string): Parts | undefined {
  const [first, ...rest] = raw.split('{');
  if (first!.includes('}') || rest.length > MAX_EXPRESSIONS) return undefined;
  const literals = [canonical(first!)];
  const expressions: { operator: string; variables: string }[] = [];
  for (const piece of rest) {
    const close = piece.indexOf('}');
    const match = EXPRESSION.exec(piece.slice(0, Math.max(close, 0)));
    const literal = piece.slice(close + 1);
    if (match === null || piece[close - 1] === ',' || literal.includes('}')) return undefined;
    expressions.push({ operator: match[1]!, variables: piece.slice(match[1]!.length, close) });
    literals.push(canonical(literal));
  }
  return { literals, expressions };
}

function build({ literals, expressions }: Parts): Machine {
  const builder = new Builder();
  builder.literal(literals[0]!);
  expressions.forEach(({ operator, variables }, i) => {
    const several = variables.includes('*') || (operator === '/' && variables.includes(','));
    const anything = several || (operator !== '' && '+#?&'.includes(operator));
    // Every operator but `+` puts itself in front of the first defined variable (RFC 6570 appendix A).
    builder.expression(operator === '+' ? '' : operator, anything);
    builder.literal(literals[i + 1]!);
  });
  return builder.finish();
}
