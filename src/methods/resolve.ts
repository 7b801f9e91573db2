/** From what a client names to the upstream that has it, by the view of that client. */
import type { NameTarget } from '../namespace/names.ts';
import type { Call } from '../protocol/call.ts';
import { appTool } from './app-tools.ts';
import type { MethodContext } from './context.ts';

/** Who names something. */
export type Caller = Pick<Call, 'client' | 'principal'>;

/** Finds what an exposed name or URI stands for; `undefined` when it is not known, or not yet. */
export type Resolve = (context: MethodContext, caller: Caller, exposed: string) => NameTarget | undefined;

/** The same context for something that is done for a caller whatever it may see. */
export function seeingAll(context: MethodContext, { client }: Pick<Caller, 'client'>): MethodContext {
  const whole = context.whole(client.audience);
  return { ...context, view: () => whole };
}

/** A tool, those of an opened app by their own name as well. */
export const resolveTool: Resolve = (context, caller, name) =>
  context.view(caller).tools.resolve(name) ?? appTool(context, caller, name);

export const resolvePrompt: Resolve = (context, caller, name) => context.view(caller).prompts.resolve(name);

export const resolveResource: Resolve = (context, caller, uri) => {
  const owner = context.view(caller).uris.resolveUri(uri, context.learned(caller.principal.key));
  return owner && { upstream: owner.upstream, name: owner.uri };
};

/** A resource template, or a resource. */
export const resolveTemplate: Resolve = (context, caller, uri) => {
  const template = context.view(caller).uris.resolveTemplate(uri);
  if (template) return { upstream: template.upstream, name: template.template };
  return resolveResource(context, caller, uri);
};
