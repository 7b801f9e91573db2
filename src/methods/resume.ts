/** A request of a modern client that goes on with an earlier one (2026-07-28, multi round-trip requests). */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { isObjectAt, isStringAt, type Member, members, type Span, textOf } from '../protocol/json/scan.ts';
import { ParamsError } from '../protocol/params.ts';
import type { ItemKind } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';
import { openState, type RequestState } from './request-state.ts';
import { routeOne } from './route-one.ts';

const KINDS: Readonly<Record<string, ItemKind>> = { 'prompts/get': 'prompts', 'resources/read': 'resources' };

/** How long is waited for an upstream to say that a person has been to its web page, milliseconds. */
const VISITED = 5_000;

/**
 * Takes up a request that brings answers.
 * @param target the name or URI that the client used, and where it stands
 * @returns whether it is taken care of; if not, it is a request like any other
 * @throws Fault `invalidState`
 */
export function resume(
  context: MethodContext,
  call: Call,
  target: { readonly text: string; readonly span: Span },
): boolean | Promise<boolean> {
  if (call.client.era !== 'modern') return false;
  const { bytes } = call.message;
  const responses = call.params.find('inputResponses');
  const state = call.params.find('requestState');
  if (responses && !isObjectAt(bytes, responses.start)) throw new ParamsError('"inputResponses" must be an object');
  const inputResponses = responses && bytes.toString('utf8', responses.start, responses.end);
  if (!state) {
    if (responses) call.continuation = { inputResponses, requestState: undefined };
    return false;
  }
  if (!isStringAt(bytes, state.start)) throw new ParamsError('"requestState" must be a string');
  const opened = openState(context, call, target.text, textOf(bytes, state.start, state.end));
  switch (opened.kind) {
    case 'forward':
      // it may have been taken away in between
      if (!context.view(call).sees(KINDS[call.method] ?? 'tools', opened.upstream, opened.name))
        throw new Fault('invalidState');
      call.continuation = { inputResponses, requestState: opened.state, state: opened.id };
      routeOne(context, call, { upstream: opened.upstream, exposed: target.text, name: opened.name }, target.span);
      return true;
    case 'park': {
      const park = context.parks.get(opened.park, call.principal.key);
      if (!park) throw new Fault('invalidState');
      const answers = responses ? members(bytes, responses.start) : [];
      park.resume(call.surrender!, opened.round, new Map(answers.map((m) => [m.key, bytes.subarray(m.start, m.end)])));
      return true;
    }
    case 'url':
      return visited(context, call, opened, responses ? members(bytes, responses.start) : []);
  }
}

/** The person was asked to go to web pages: the request begins anew once that is done. */
async function visited(
  context: MethodContext,
  call: Call,
  { upstream, elicitations }: RequestState & { kind: 'url' },
  answers: readonly Member[],
): Promise<boolean> {
  const { bytes } = call.message;
  for (const { key } of elicitations) {
    const answer = answers.find((member) => member.key === key);
    const { action } =
      answer && isObjectAt(bytes, answer.start)
        ? (JSON.parse(bytes.toString('utf8', answer.start, answer.end)) as { action?: unknown })
        : {};
    if (action === 'accept') continue;
    const text = `${upstream} needs a web page to be visited first, which was declined.`;
    if (call.method !== 'tools/call') throw new Fault('declined', { upstream });
    const result = JSON.stringify({ content: [{ type: 'text', text }], isError: true });
    call.sink.done({ kind: 'local', result });
    return true;
  }
  await context.elicitations.over(
    upstream,
    elicitations.map(({ id }) => id),
    VISITED,
  );
  return call.ended;
}
