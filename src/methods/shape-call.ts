/** What the configuration says of one item, on the way of a call to it. Items that nothing is said of cost nothing here. */
import { Fault } from '../errors.ts';
import type { Call, Outcome } from '../protocol/call.ts';
import { fixArguments } from '../protocol/fixed-arguments.ts';
import { itemNamed } from '../upstreams/catalog.ts';
import type { ItemRule } from '../upstreams/item-rules.ts';
import { USES } from '../upstreams/spec.ts';
import type { MethodContext } from './context.ts';
import { LONGEST_LIFE } from './request-state.ts';

/** A state is not good for longer. */
const ONCE = { times: 1, per: LONGEST_LIFE };
const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Limits a call and gives it the arguments that are fixed.
 * @returns what it is refused with
 */
export function shapeCall(context: MethodContext, call: Call): Fault | undefined {
  const { upstream, name, exposed } = call.target!;
  const rules = context.upstreams.get(upstream)?.items;
  const kind = rules && USES.get(call.method);
  const rule = kind && rules.of(kind, name);
  if (!rule) return undefined;
  if (rule.maxResultSize) {
    const { value, knob } = rule.maxResultSize;
    const fault = new Fault('resultTooLarge', { item: exposed, limit: value, knob: `upstreams.${upstream}.${knob}` });
    call.resultLimit = { bytes: value, fault };
  }
  return giveFixed(context, call, rule) ?? countUse(context, call, kind, rule);
}

/**
 * The arguments of a tool or a prompt that clients do not see, by name.
 * @param target the upstream and upstream name
 */
export function fixedOf(
  context: MethodContext,
  call: Pick<Call, 'principal' | 'client'>,
  kind: 'tools' | 'prompts',
  { upstream, name }: { readonly upstream: string; readonly name: string },
): ReadonlyMap<string, string> {
  const catalog = context.view(call).catalogs.find((known) => known.upstream === upstream);
  return (catalog && itemNamed(catalog.items[kind], name)?.shape?.fixed) ?? NONE;
}

/** How a call ends that is refused: models see the results of tools, and errors not always. */
export function refusal({ method }: Pick<Call, 'method'>, fault: Fault): Outcome {
  if (method !== 'tools/call') return { kind: 'error', error: fault };
  const result = JSON.stringify({ content: [{ type: 'text', text: fault.message }], isError: true });
  return { kind: 'local', result };
}

function giveFixed(context: MethodContext, call: Call, { fixed: said }: ItemRule): Fault | undefined {
  const { params } = call.message;
  if (said.size === 0 || !params) return undefined;
  const fixed = fixedOf(context, call, call.method === 'tools/call' ? 'tools' : 'prompts', call.target!);
  if (fixed.size === 0) return undefined;
  const found = fixArguments(call.message.bytes, { span: params, members: call.params.members }, fixed);
  if (typeof found === 'string') return new Fault('fixedArgument', { argument: found, item: call.target!.exposed });
  call.edits.push(...found.edits);
  call.arguments = found.args;
  return undefined;
}

function countUse(context: MethodContext, call: Call, kind: string, { rate }: ItemRule): Fault | undefined {
  if (!rate || goesOn(context, call)) return undefined;
  const { upstream, name, exposed } = call.target!;
  const { times, per } = rate.value;
  const wait = context.rates.take(JSON.stringify([call.principal.key, upstream, kind, name]), rate.value);
  if (wait === 0) return undefined;
  const seconds = Math.ceil(wait / 1_000);
  const knob = `upstreams.${upstream}.${rate.knob}`;
  const often = `${times} times in ${per / 1_000} s`;
  return new Fault('itemRateLimited', { item: exposed, often, knob, seconds }, { retryAfter: seconds });
}

/** Going on with a request is no other use, the first time that a client does it from one state. */
function goesOn({ rates }: MethodContext, { continuation }: Call): boolean {
  if (continuation?.state === undefined) return continuation?.requestState !== undefined;
  return rates.take(JSON.stringify(['state', continuation.state]), ONCE) === 0;
}
