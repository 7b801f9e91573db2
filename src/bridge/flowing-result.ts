/**
 * What becomes of a result that is passed on while it comes: the same as convert/eras.ts and content-uris.ts do with one
 * that is whole. Only what is added stands elsewhere: behind what came.
 */
import { FlowFault, type ResultPlan } from '../protocol/answer-flow.ts';
import type { Caching } from '../protocol/call.ts';
import { applyEdits } from '../protocol/json/edit.ts';
import type { ArrayPlan, Replacement, Treatment } from '../protocol/json/flow.ts';
import { isStringAt, textOf } from '../protocol/json/scan.ts';
import type { Era } from '../protocol/versions.ts';
import type { ContentShape } from './content-uris.ts';
import { MODERN, metaEdits, metaOf, strippedMeta } from './convert/eras.ts';
import { type Expose, flowingUris } from './flowing-uris.ts';

export interface FlowRules {
  /** The eras of the upstream and of the client. */
  readonly from: Era;
  readonly to: Era;
  readonly shape: ContentShape;
  /** `undefined` where URIs stay as they are. */
  readonly expose: Expose | undefined;
  /** Who answers, as JSON text; for modern clients. */
  readonly server: string;
  /** In place of what the upstream said; for modern clients. */
  readonly cache: Partial<Caching> | undefined;
  /** The id of a task as the client knows it. */
  sealTask(id: string): string;
}

const NOTHING: ArrayPlan = { element: () => 'pass' };

export class FlowingResult implements ResultPlan {
  /** Whether the content has begun, which other kinds of results do not have. */
  certain = false;
  readonly #rules: FlowRules;
  readonly #content: ArrayPlan;
  readonly #seen = new Set<string>();

  constructor(rules: FlowRules) {
    this.#rules = rules;
    const plan = rules.expose ? flowingUris(rules.shape, rules.expose) : NOTHING;
    this.#content = {
      element: () => {
        this.certain = true;
        return plan.element();
      },
    };
  }

  member(key: string): Treatment {
    // of what occurs twice, each one is treated as if it were the one that the client reads
    this.#seen.add(key);
    const { from, to, shape, cache, server } = this.#rules;
    if (key === shape) return { array: this.#content };
    if (key === 'structuredContent' && shape === 'content') {
      this.certain = true;
      return 'pass';
    }
    if (from === 'modern') {
      if (key === 'resultType') return { take: (value) => this.#type(value) };
      if (key === 'taskId') return { take: (value) => this.#task(value) };
    }
    if (to === 'legacy') {
      if (from === 'legacy') return 'pass';
      if (MODERN.has(key)) return 'drop';
      return key === '_meta' ? { take: stripped } : 'pass';
    }
    if (key === '_meta')
      return { take: (value) => applyEdits(value, metaEdits(value, { start: 0, end: value.length }, server)) };
    const said = cache?.[key as keyof Caching];
    return said === undefined ? 'pass' : { take: () => JSON.stringify(said) };
  }

  end(): string {
    const { to, server, cache } = this.#rules;
    if (to === 'legacy') return '';
    const all = { resultType: '"complete"', _meta: metaOf(server), ...textsOf(cache) };
    return Object.entries(all)
      .filter(([key]) => !this.#seen.has(key))
      .map(([key, text]) => `"${key}":${text}`)
      .join(',');
  }

  #type(value: Buffer): Replacement {
    const type = isStringAt(value, 0) ? textOf(value, 0, value.length) : undefined;
    if (type !== 'complete') throw new FlowFault(`it has the type ${JSON.stringify(type ?? null)}`);
    return this.#rules.to === 'legacy' ? 'drop' : undefined;
  }

  #task(value: Buffer): Replacement {
    return isStringAt(value, 0) ? JSON.stringify(this.#rules.sealTask(textOf(value, 0, value.length))) : undefined;
  }
}

function stripped(value: Buffer): Replacement {
  const edits = strippedMeta(value, { start: 0, end: value.length });
  if (edits === 'drop') return edits;
  return edits.length > 0 ? applyEdits(value, edits) : undefined;
}

const textsOf = (cache: object | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(cache ?? {}).map(([key, value]) => [key, JSON.stringify(value)]));
