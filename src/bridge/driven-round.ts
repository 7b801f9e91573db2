/** A round that a modern upstream asks for by its result; the request is made again with what comes of it. */
import { randomUUID } from 'node:crypto';
import type { InputAnswer, InputRequest, Round } from '../protocol/call.ts';
import { applyEdits, insertMember } from '../protocol/json/edit.ts';
import { isObjectAt, isStringAt, memberOf, members, textOf } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';

/** What an upstream asks before it goes on, read from its result. */
export interface Wanted {
  readonly requests: ReadonlyMap<string, InputRequest>;
  /** Its own state, as JSON text, to be given back as it is. */
  readonly state: string | undefined;
}

/** Reads a result of type `input_required`; `undefined` when it is malformed (2026-07-28, multi round-trip requests). */
export function readWanted({ bytes, result }: Message): Wanted | undefined {
  const list = members(bytes, result!.start);
  const state = memberOf(list, 'requestState');
  const inputs = memberOf(list, 'inputRequests');
  if (state && !isStringAt(bytes, state.start)) return undefined;
  const requests = new Map<string, InputRequest>();
  if (inputs) {
    if (!isObjectAt(bytes, inputs.start)) return undefined;
    for (const { key, start } of members(bytes, inputs.start)) {
      const request = isObjectAt(bytes, start) ? members(bytes, start) : [];
      const method = memberOf(request, 'method');
      const params = memberOf(request, 'params');
      if (!method || !isStringAt(bytes, method.start) || (params && !isObjectAt(bytes, params.start))) return undefined;
      requests.set(key, {
        method: textOf(bytes, method.start, method.end),
        params: params && bytes.subarray(params.start, params.end),
      });
    }
  }
  if (!state && requests.size === 0) return undefined;
  return { requests, state: state && bytes.toString('utf8', state.start, state.end) };
}

export interface RoundEnd {
  /** All is answered: the value of `inputResponses`, as JSON text. */
  answered(responses: string): void;
  /** The client will not answer, or not all. */
  refused(reason: string): void;
}

export class DrivenRound implements Round {
  readonly upstream: string;
  readonly requests: ReadonlyMap<string, InputRequest>;
  readonly certain = true;
  onwithdrawn: ((reason: string | undefined) => void) | undefined;
  readonly #answers = new Map<string, Buffer>();
  readonly #end: RoundEnd;
  #over = false;

  constructor(upstream: string, requests: ReadonlyMap<string, InputRequest>, end: RoundEnd) {
    this.upstream = upstream;
    this.requests = new Map([...requests].map(([key, request]) => [key, withElicitationId(request)]));
    this.#end = end;
  }

  answer(key: string, { kind, json }: InputAnswer): void {
    if (this.#over || !this.requests.has(key) || this.#answers.has(key)) return;
    if (kind === 'error') {
      const { message } = JSON.parse(json.toString('utf8')) as { message?: unknown };
      return this.#refuse(typeof message === 'string' ? message : 'the client refused');
    }
    this.#answers.set(key, json);
    if (this.#answers.size < this.requests.size) return;
    this.#over = true;
    const responses = [...this.#answers].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
    this.#end.answered(`{${responses.join(',')}}`);
  }

  progress(): void {
    // the upstream waits for nothing in between
  }

  elsewhere(): boolean {
    return false;
  }

  abandon(reason: string): void {
    this.#refuse(reason);
  }

  drop(): void {
    this.#over = true;
  }

  /** What is still open is taken back from the client. */
  #refuse(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.onwithdrawn?.(reason);
    this.#end.refused(reason);
  }
}

/** Legacy clients know elicitations in URL mode by an id, which the modern era has not (2025-11-25, elicitation). */
function withElicitationId(request: InputRequest): InputRequest {
  const { method, params } = request;
  if (method !== 'elicitation/create' || !params) return request;
  const list = members(params, 0);
  const mode = memberOf(list, 'mode');
  const isUrl = mode && params.toString('utf8', mode.start, mode.end) === '"url"';
  if (!isUrl || memberOf(list, 'elicitationId')) return request;
  const edit = insertMember({ start: 0, end: params.length }, list, 'elicitationId', JSON.stringify(randomUUID()));
  return { method, params: applyEdits(params, [edit]) };
}
