/** The messages of one stream that wait because its client reads slowly. retention.ts has the rule. */
import { isDroppable, KINDS, type Kind, MOST_WAITING, slack, thin } from './retention.ts';

export interface Waiting<Stored> {
  readonly message: Buffer;
  readonly kind: Kind;
  /** Of progress: its token, which tells what takes its place. */
  readonly token: string | undefined;
  /** The event that it is kept as, where it has a place in the stream already. */
  readonly stored: Stored | undefined;
}

/** What a message costs beside its bytes, so that very many small ones are bounded as well. */
const OVERHEAD = 128;

export class Outbox<Stored> {
  readonly #lost: (kind: Kind) => void;
  #items: Waiting<Stored>[] = [];
  #head = 0;
  #bytes = 0;
  /** Bytes of what is not left out for others. */
  #firm = 0;
  /** Reports of progress at the end of the queue, by token: with nothing behind them, a later one takes their place. */
  readonly #last = new Map<string, number>();

  /** @param lost called for every message that is left out */
  constructor(lost: (kind: Kind) => void) {
    this.#lost = lost;
  }

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  /** Whether more waits than can be made less: requests and answers alone pass the bound. */
  get overfull(): boolean {
    return this.#firm > MOST_WAITING;
  }

  add(item: Waiting<Stored>): void {
    const { token, kind } = item;
    const place = token === undefined ? undefined : this.#last.get(token);
    if (place !== undefined) {
      this.#count(this.#items[place]!, -1);
      this.#count(item, 1);
      this.#items[place] = item;
      return;
    }
    if (kind !== 'progress') this.#last.clear();
    else if (token !== undefined) this.#last.set(token, this.#items.length);
    this.#items.push(item);
    this.#count(item, 1);
    if (this.#bytes - this.#firm > MOST_WAITING) this.#thin();
  }

  /** The message that is next. */
  shift(): Waiting<Stored> | undefined {
    const item = this.#items[this.#head];
    if (!item) return undefined;
    this.#head++;
    this.#count(item, -1);
    if (this.#head === this.#items.length) this.#rest([]);
    else if (this.#head > 1_024 && this.#head * 2 > this.#items.length) this.#rest(this.#items.slice(this.#head));
    else if (item.token !== undefined && this.#last.get(item.token) === this.#head - 1) this.#last.delete(item.token);
    return item;
  }

  /** Takes everything out. */
  clear(): Waiting<Stored>[] {
    const left = this.#items.slice(this.#head);
    this.#rest([]);
    this.#bytes = 0;
    this.#firm = 0;
    return left;
  }

  #thin(): void {
    const rankOf = ({ kind }: Waiting<Stored>) => (isDroppable(kind) ? KINDS.indexOf(kind) : undefined);
    const enough = () => this.#bytes - this.#firm <= slack(MOST_WAITING);
    const left = thin(this.#items.slice(this.#head), rankOf, enough, (item) => {
      this.#count(item, -1);
      this.#lost(item.kind);
    });
    this.#rest(left);
  }

  #rest(items: Waiting<Stored>[]): void {
    this.#items = items;
    this.#head = 0;
    this.#last.clear();
  }

  #count({ message, kind }: Waiting<Stored>, by: 1 | -1): void {
    const cost = by * (message.length + OVERHEAD);
    this.#bytes += cost;
    if (!isDroppable(kind)) this.#firm += cost;
  }
}
