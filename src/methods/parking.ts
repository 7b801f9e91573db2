/** What a call that waits for its modern client needs of the gateway. */
import { exposeInput } from '../bridge/expose-request.ts';
import type { Park, ParkHost } from '../bridge/park.ts';
import type { Call } from '../protocol/call.ts';
import { isSole, type MethodContext } from './context.ts';
import { sealState } from './request-state.ts';

const PATIENCE: Readonly<Record<string, 'elicitation' | 'sampling' | 'roots'>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** How long a person may take where nothing else is known, milliseconds. */
const USUAL_PATIENCE = 600_000;

export function parkHost(context: MethodContext, call: Call): ParkHost {
  const target = () => call.target!;
  return {
    enter: (park: Park) => context.parks.enter(park, call.principal.key),
    ended: (park: Park) => context.parks.ended(park),
    leave: (park: Park) => context.parks.leave(park),
    state: (park, round) => sealState(context, call, target().exposed, { kind: 'park', park: park.id, round }),
    expose: (request) =>
      exposeInput(request, {
        label: isSole(context) ? undefined : target().upstream,
        exposeUri: (uri) =>
          context.view(call).uris.exposeUri(target().upstream, uri, context.learned(call.principal.key)),
        exposeElicitation: (id) => id,
      }),
    patience: (method) => {
      const timeouts = context.upstreams.get(target().upstream)?.timeouts;
      const kind = PATIENCE[method];
      return (kind && timeouts?.[kind]) ?? USUAL_PATIENCE;
    },
  };
}
