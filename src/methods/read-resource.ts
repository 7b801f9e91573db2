/** resources/read: the URI's owner answers; no other upstream is tried. */
import { Fault } from '../errors.ts';
import type { Method } from './context.ts';
import { heldBack } from './held-back.ts';
import { resumed, whenKnown } from './named.ts';
import { resolveResource } from './resolve.ts';
import { resume } from './resume.ts';
import { routeOne } from './route-one.ts';

export const readResource: Method = (context, call, params) => {
  const { text, span } = params.string('uri');
  const route = (): boolean => {
    const owner = resolveResource(context, call, text);
    if (owner) routeOne(context, call, { upstream: owner.upstream, exposed: text, name: owner.name }, span);
    return owner !== undefined;
  };
  const unknown = (): Fault =>
    heldBack(context, call, 'resources', text) ??
    new Fault(call.client.era === 'modern' ? 'resourceNotFound' : 'unknownResource', { uri: text }, { uri: text });
  return resumed(resume(context, call, { text, span }), () => {
    if (!route()) return whenKnown(context, call, { text, resolve: resolveResource }, route, unknown);
  });
};
