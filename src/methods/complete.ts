/** completion/complete: routed by what it refers to, a prompt or a resource template. */
import { Fault } from '../errors.ts';
import type { NameTarget } from '../namespace/names.ts';
import type { Call } from '../protocol/call.ts';
import { fixArguments } from '../protocol/fixed-arguments.ts';
import { insertMember } from '../protocol/json/edit.ts';
import { isStringAt, textOf } from '../protocol/json/scan.ts';
import { only } from '../protocol/params.ts';
import type { Method, MethodContext } from './context.ts';
import { whenKnown } from './named.ts';
import { referenceOf } from './reference.ts';
import { type Resolve, resolvePrompt } from './resolve.ts';
import { routeOne } from './route-one.ts';
import { fixedOf } from './shape-call.ts';

const NOTHING = '{"completion":{"values":[],"total":0,"hasMore":false}}';

export const complete: Method = (context, call, params) => {
  const { text, at, resolve } = referenceOf(call.message, params);
  const route = (): boolean => {
    const owner = resolve(context, call, text);
    if (!owner) return false;
    const server = context.view(call).catalogs.find((c) => c.upstream === owner.upstream)?.server;
    // 2024-11-05 servers complete without declaring it
    const completes = server && (Object.hasOwn(server.capabilities, 'completions') || server.version === '2024-11-05');
    if (completes && completesFixed(context, call, owner, resolve) !== 'nothing')
      routeOne(context, call, { upstream: owner.upstream, exposed: text, name: owner.name }, at);
    else call.sink.done({ kind: 'local', result: NOTHING });
    return true;
  };
  if (route()) return;
  return whenKnown(context, call, { text, resolve }, route, () => new Fault('unknownReference', { ref: text }));
};

/**
 * An argument that clients do not see is not completed; for the others, the prompt is told of it among those that are
 * known already (2025-06-18, completion: context).
 */
function completesFixed(
  context: MethodContext,
  call: Call,
  owner: NameTarget,
  resolve: Resolve,
): 'nothing' | undefined {
  const fixed = resolve === resolvePrompt ? fixedOf(context, call, 'prompts', owner) : undefined;
  if (!fixed || fixed.size === 0) return undefined;
  const { params, message } = call;
  const { bytes } = message;
  const name = only(params.object('argument') ?? [], 'name');
  if (name && isStringAt(bytes, name.start) && fixed.has(textOf(bytes, name.start, name.end))) return 'nothing';
  const holder = params.object('context');
  if (!holder) {
    const known = [...fixed].map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',');
    call.edits.push(insertMember(message.params!, params.members, 'context', `{"arguments":{${known}}}`));
    return undefined;
  }
  const found = fixArguments(bytes, { span: params.find('context')!, members: holder }, fixed);
  if (typeof found === 'string') return 'nothing';
  call.edits.push(...found.edits);
  return undefined;
}
