/** tools/call and prompts/get: the exposed name names the upstream. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { concernsOf, type Method, type MethodContext, missingFor } from './context.ts';
import { noteDenied } from './denied.ts';
import { heldBack } from './held-back.ts';
import { type Resolve, resolvePrompt, resolveTool } from './resolve.ts';
import { resume } from './resume.ts';
import { routeOne } from './route-one.ts';
import { hosted } from './tasking.ts';

export const callTool: Method = named('tools', resolveTool, 'unknownTool');
export const getPrompt: Method = named('prompts', resolvePrompt, 'unknownPrompt');

function named(kind: 'tools' | 'prompts', resolve: Resolve, unknown: 'unknownTool' | 'unknownPrompt'): Method {
  return (context, call, params) => {
    const { text, span } = params.string('name');
    params.mustBeObject('arguments');
    const route = (): boolean => {
      const found = resolve(context, call, text);
      if (!found) return false;
      const task = call.method === 'tools/call' ? hosted(context, call, found) : undefined;
      routeOne(context, task ?? call, { upstream: found.upstream, exposed: text, name: found.name }, span);
      return true;
    };
    return resumed(resume(context, call, { text, span }), () => {
      if (!route())
        return whenKnown(
          context,
          call,
          { text, resolve },
          route,
          () =>
            heldBack(context, call, kind, text) ?? ofMissing(context, call, text) ?? new Fault(unknown, { name: text }),
        );
    });
  };
}

/** Goes on where a request is not taken care of as one that continues another. */
export function resumed(taken: boolean | Promise<boolean>, fresh: () => void | Promise<void>): void | Promise<void> {
  if (taken instanceof Promise) return taken.then((done) => (done ? undefined : fresh()));
  return taken ? undefined : fresh();
}

/** The name tells that it belongs to an upstream whose catalog never came. */
function ofMissing(context: MethodContext, call: Call, name: string): Fault | undefined {
  const { separator } = context;
  if (separator === undefined) return undefined;
  const found = missingFor(context, call).find(({ upstream }) => name.startsWith(upstream + separator));
  return (
    found && new Fault('upstreamUnavailable', { upstream: found.upstream, detail: found.problem ?? 'it is starting' })
  );
}

/**
 * What is not found may belong to an upstream whose catalog is still on its way: tries once more when it is there.
 * @param named what is looked for, and how
 */
export async function whenKnown(
  context: MethodContext,
  call: Call,
  { text, resolve }: { readonly text: string; readonly resolve: Resolve },
  route: () => boolean,
  unknown: () => Fault,
): Promise<void> {
  const { audience } = call.client;
  const concerns = concernsOf(context, call);
  if (context.catalogs.unsure(audience, concerns)) {
    await context.catalogs.sure(audience, context.lists.firstWait, concerns);
    if (call.ended || route()) return;
  }
  noteDenied(context, call, resolve, text);
  throw unknown();
}
