/** completion/complete: routed by what it refers to, a prompt or a resource template. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { isStringAt, type Member, textOf } from '../protocol/json/scan.ts';
import { only, type Params, ParamsError } from '../protocol/params.ts';
import { type Method, type MethodContext, viewOf } from './context.ts';
import { whenKnown } from './named.ts';
import { routeOne } from './route-one.ts';

const NOTHING = '{"completion":{"values":[],"total":0,"hasMore":false}}';

/** The member of `ref` that names the thing referred to, by `ref.type`. */
const NAMED_BY: ReadonlyMap<string, 'name' | 'uri'> = new Map([
  ['ref/prompt', 'name'],
  ['ref/resource', 'uri'],
]);

export const complete: Method = (context, call, params) => {
  const { text, at, by } = reference(call, params);
  const route = (): boolean => {
    const owner = ownerOf(context, call, by, text);
    if (!owner) return false;
    const server = viewOf(context, call).catalogs.find((c) => c.upstream === owner.upstream)?.server;
    // 2024-11-05 servers complete without declaring it
    const completes = server && (Object.hasOwn(server.capabilities, 'completions') || server.version === '2024-11-05');
    if (completes) routeOne(context, call, { upstream: owner.upstream, exposed: text, name: owner.name }, at);
    else call.sink.done({ kind: 'local', result: NOTHING });
    return true;
  };
  if (route()) return;
  return whenKnown(context, call, route, () => new Fault('unknownReference', { ref: text }));
};

function reference(call: Call, params: Params): { text: string; at: Member; by: 'name' | 'uri' } {
  const ref = params.object('ref');
  if (!ref) throw new ParamsError('"ref" must be an object');
  const type = stringIn(call, ref, 'type');
  const by = NAMED_BY.get(type.text);
  if (!by) throw new ParamsError('"ref.type" must be "ref/prompt" or "ref/resource"');
  return { ...stringIn(call, ref, by), by };
}

function stringIn(call: Call, ref: readonly Member[], key: string): { text: string; at: Member } {
  const at = only(ref, key);
  const { bytes } = call.message;
  if (!at || !isStringAt(bytes, at.start)) throw new ParamsError(`"ref.${key}" must be a string`);
  return { text: textOf(bytes, at.start, at.end), at };
}

function ownerOf(
  context: MethodContext,
  call: Call,
  by: 'name' | 'uri',
  text: string,
): { upstream: string; name: string } | undefined {
  const view = viewOf(context, call);
  if (by === 'name') return view.prompts.resolve(text);
  const template = view.uris.resolveTemplate(text);
  if (template) return { upstream: template.upstream, name: template.template };
  const owner = view.uris.resolveUri(text, context.learned(call.principal.key));
  return owner && { upstream: owner.upstream, name: owner.uri };
}
