/** What the demo prints: numbered steps, what was sent (→) and what came back (←). */

/** Told by a step while it runs. */
export interface Tell {
  /** What goes to the gateway. */
  sent(text: string): void;
  /** What came back; long text is shortened. */
  got(text: string): void;
  /** A line below, as it is. */
  line(text: string): void;
  /** Lines below, as they are. */
  table(rows: readonly (readonly (string | number)[])[]): void;
}

/** An answer is not what it should be. The message says what was expected and what came. */
export class Unexpected extends Error {}

const INDENT = '      ';
const LONGEST = 110;

export class Report implements Tell {
  readonly #write: (text: string) => void;
  #count = 0;
  #current = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  title(text: string): void {
    this.#write(`\n${text}\n`);
  }

  /** Runs one step. @throws what the step throws */
  async step<T>(title: string, run: (tell: Tell) => Promise<T>): Promise<T> {
    this.#current = `step ${++this.#count}, "${title}"`;
    this.#write(`\n ${String(this.#count).padStart(2)}  ${title}\n`);
    return run(this);
  }

  sent(text: string): void {
    this.#write(`${INDENT}→ ${shorten(text)}\n`);
  }

  got(text: string): void {
    this.#write(`${INDENT}← ${shorten(text)}\n`);
  }

  line(text: string): void {
    this.#write(`\n${text}\n\n`);
  }

  table(rows: readonly (readonly (string | number)[])[]): void {
    const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
    const cell = (value: string | number, i: number) =>
      i === 0 ? String(value).padEnd(widths[i]!) : String(value).padStart(widths[i]!);
    for (const row of rows) this.#write(`${INDENT}    ${row.map(cell).join('   ')}\n`);
  }

  done(): void {
    this.#write(`\nAll ${this.#count} steps passed.\n`);
  }

  failed(error: unknown): void {
    this.#write(`\nFailed at ${this.#current}: ${reason(error)}\n`);
  }
}

/** The message of an error and of what caused it, such as `fetch failed: connect ECONNREFUSED 127.0.0.1:8080`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reason(error.cause)}`;
}

/** One line of at most 110 characters. */
function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
