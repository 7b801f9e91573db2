/** The `params` of one request: members looked up where they stand, and edits that leave all the rest untouched. */
import { type Edit, removeMembers } from './json/edit.ts';
import { isObjectAt, isStringAt, type Member, members, type Span, textOf } from './json/scan.ts';
import { type Message, valueAt } from './message.ts';

/** A member of params (or of an object in it) that Patchbay must understand is of the wrong type or there twice. */
export class ParamsError extends Error {}

export class Params {
  readonly #message: Message;
  readonly #members: readonly Member[];
  #meta: readonly Member[] | undefined;

  /** @throws ParamsError when `params` is there and not an object (MCP requires by-name params) */
  constructor(message: Message) {
    const { bytes, params } = message;
    if (params && !isObjectAt(bytes, params.start)) throw new ParamsError('params must be an object');
    this.#message = message;
    this.#members = message.inParams ?? [];
  }

  /** The string member `key`. @throws ParamsError when it is missing, not a string, or there twice */
  string(key: string): { text: string; span: Member } {
    const span = this.find(key);
    if (!span || !isStringAt(this.#message.bytes, span.start)) throw new ParamsError(`"${key}" must be a string`);
    return { text: textOf(this.#message.bytes, span.start, span.end), span };
  }

  /** The member `key`, or `undefined`. @throws ParamsError when it is there twice, since peers could read it differently */
  find(key: string): Member | undefined {
    return only(this.#members, key);
  }

  /** The members of the object member `key`. @throws ParamsError when it is there and no object */
  object(key: string): readonly Member[] | undefined {
    this.mustBeObject(key);
    const at = this.find(key);
    return at && members(this.#message.bytes, at.start);
  }

  /** @throws ParamsError when the member `key` is there and no object */
  mustBeObject(key: string): void {
    const at = this.find(key);
    if (at && !isObjectAt(this.#message.bytes, at.start)) throw new ParamsError(`"${key}" must be an object`);
  }

  /** The built value of a member. */
  value(key: string): unknown {
    const at = this.find(key);
    return at && valueAt(this.#message.bytes, at);
  }

  /** The span of `_meta.progressToken`, when the request has one that is a string or a number. */
  progressToken(): Span | undefined {
    const token = only(this.meta, 'progressToken');
    if (!token) return undefined;
    const c = this.#message.bytes[token.start]!;
    if (c !== 0x22 && c !== 0x2d && (c < 0x30 || c > 0x39))
      throw new ParamsError('"_meta.progressToken" must be a string or an integer');
    return token;
  }

  /** The members, in order. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** The members of `_meta`; empty when there is none. @throws ParamsError when it is there and no object */
  get meta(): readonly Member[] {
    this.#meta ??= this.object('_meta') ?? [];
    return this.#meta;
  }

  /** The edits that take out the members with these keys. */
  without(keys: ReadonlySet<string>): Edit[] {
    return removeMembers(this.#members, ({ key }) => keys.has(key));
  }
}

/** The one member named `key`. @throws ParamsError when there are two */
export function only(list: readonly Member[], key: string): Member | undefined {
  let found: Member | undefined;
  for (const m of list) {
    if (m.key !== key) continue;
    if (found) throw new ParamsError(`"${key}" occurs twice`);
    found = m;
  }
  return found;
}
