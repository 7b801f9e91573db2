/** completion/complete: routed by what it refers to, a prompt or a resource template. */
import { Fault } from '../errors.ts';
import type { Method } from './context.ts';
import { whenKnown } from './named.ts';
import { referenceOf } from './reference.ts';
import { routeOne } from './route-one.ts';

const NOTHING = '{"completion":{"values":[],"total":0,"hasMore":false}}';

export const complete: Method = (context, call, params) => {
  const { text, at, resolve } = referenceOf(call.message, params);
  const route = (): boolean => {
    const owner = resolve(context, call, text);
    if (!owner) return false;
    const server = context.view(call).catalogs.find((c) => c.upstream === owner.upstream)?.server;
    // 2024-11-05 servers complete without declaring it
    const completes = server && (Object.hasOwn(server.capabilities, 'completions') || server.version === '2024-11-05');
    if (completes) routeOne(context, call, { upstream: owner.upstream, exposed: text, name: owner.name }, at);
    else call.sink.done({ kind: 'local', result: NOTHING });
    return true;
  };
  if (route()) return;
  return whenKnown(context, call, { text, resolve }, route, () => new Fault('unknownReference', { ref: text }));
};
