/**
 * A small automaton over UTF-16 units. Where each state leads: by one character to the next state, by a loop over a
 * class of characters to itself, or by a skip, without a character, further on.
 */
export interface Machine {
  readonly size: number;
  /** The code of the character that leads from a state to the next one, or NONE. */
  readonly chars: Int32Array;
  /** NOTHING, SEGMENT or ANYTHING: which characters a state stays on. */
  readonly loops: Uint8Array;
  /** The state a state skips to, or NONE. */
  readonly skips: Int32Array;
}

const NONE = -1;
const NOTHING = 0;
const SEGMENT = 1;
const ANYTHING = 2;
const SLASH = 0x2f;
/** Machines whose pairs of states are more than this are not compared. */
const MAX_PAIRS = 1_000_000;

/** Makes a machine from left to right. */
export class Builder {
  readonly #chars: number[] = [];
  readonly #loops: number[] = [];
  readonly #skips: number[] = [];

  literal(text: string): void {
    for (let i = 0; i < text.length; i++) this.#state(text.charCodeAt(i), NOTHING, NONE);
  }

  /**
   * Nothing, or `operator` and any number of characters.
   * @param operator one character or none
   * @param anything whether `/` is among the characters
   */
  expression(operator: string, anything: boolean): void {
    if (operator !== '') this.#state(operator.charCodeAt(0), NOTHING, this.#chars.length + 2);
    this.#state(NONE, anything ? ANYTHING : SEGMENT, this.#chars.length + 1);
  }

  finish(): Machine {
    this.#state(NONE, NOTHING, NONE);
    return {
      size: this.#chars.length,
      chars: Int32Array.from(this.#chars),
      loops: Uint8Array.from(this.#loops),
      skips: Int32Array.from(this.#skips),
    };
  }

  #state(char: number, loop: number, skip: number): void {
    this.#chars.push(char);
    this.#loops.push(loop);
    this.#skips.push(skip);
  }
}

/** Tells whether the machine, in state `from` after `from` characters, accepts the rest of `text`. */
export function accepts(machine: Machine, text: string, from: number): boolean {
  const { size, chars, loops, skips } = machine;
  const seen = new Int32Array(size).fill(-1);
  let states: number[] = [];
  let next: number[] = [];
  const enter = (state: number, at: number) => {
    for (let s = state; s !== NONE && seen[s] !== at; s = skips[s]!) {
      seen[s] = at;
      next.push(s);
    }
  };
  enter(from, from);
  for (let at = from; at < text.length; at++) {
    [states, next] = [next, states];
    next.length = 0;
    const code = text.charCodeAt(at);
    for (const state of states) {
      if (chars[state] === code) enter(state + 1, at + 1);
      if (stays(loops[state]!, code)) enter(state, at + 1);
    }
    if (next.length === 0) return false;
  }
  return seen[size - 1] === text.length;
}

/**
 * Tells whether some text is accepted by both machines, by walking the pairs of states that a text can lead to.
 * True where that takes more than `budget.steps`, which it counts down.
 */
export function meet(a: Machine, b: Machine, budget: { steps: number }): boolean {
  if (a.size * b.size > MAX_PAIRS) return true;
  const seen = new Uint8Array(a.size * b.size);
  const open: number[] = [];
  const enter = (i: number, j: number) => {
    const pair = i * b.size + j;
    if (seen[pair] === 1) return;
    seen[pair] = 1;
    open.push(pair);
  };
  enter(0, 0);
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    if (pair === seen.length - 1 || --budget.steps < 0) return true;
    const i = Math.floor(pair / b.size);
    const j = pair % b.size;
    const x = a.chars[i]!;
    const y = b.chars[j]!;
    if (a.skips[i] !== NONE) enter(a.skips[i]!, j);
    if (b.skips[j] !== NONE) enter(i, b.skips[j]!);
    if (x !== NONE && x === y) enter(i + 1, j + 1);
    if (x !== NONE && stays(b.loops[j]!, x)) enter(i + 1, j);
    if (y !== NONE && stays(a.loops[i]!, y)) enter(i, j + 1);
  }
  return false;
}

function stays(loop: number, code: number): boolean {
  return loop === ANYTHING || (loop === SEGMENT && code !== SLASH);
}
