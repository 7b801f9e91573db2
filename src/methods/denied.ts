/** Tells in the audit trail that the policy kept somebody from something, which to him is not there at all. */
import type { Call } from '../protocol/call.ts';
import type { ItemKind } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';
import { type Resolve, resolvePrompt, resolveTemplate, resolveTool, seeingAll } from './resolve.ts';
import { Visible } from './visible.ts';

/**
 * Nothing was found by a name. Where that is because of the policy, a line says so and names the rule; what a profile does
 * not have, or nobody, is no refusal.
 * @param resolve how it was looked for
 */
export function noteDenied(
  context: MethodContext,
  { principal, client, method }: Pick<Call, 'principal' | 'client' | 'method'>,
  resolve: Resolve,
  exposed: string,
): void {
  const grant = context.grants.of(principal, client.profile);
  if (!grant?.policy) return;
  const whole = context.whole(client.audience);
  const found = resolve(seeingAll(context, { client }), { principal, client }, exposed);
  if (!found) return;
  const { upstream, name } = found;
  const catalog = whole.catalogs.find((one) => one.upstream === upstream);
  const { visible, by, rule } = new Visible(grant, upstream, catalog).decide(kindOf(resolve, whole, exposed), name);
  if (visible || by !== 'policy') return;
  context.audit('denied', {
    principal: principal.subject,
    issuer: principal.issuer,
    client: principal.clientId,
    profile: client.profile,
    method,
    upstream,
    item: name,
    rule: rule?.label ?? 'none allows it',
  });
}

function kindOf(resolve: Resolve, { uris }: ReturnType<MethodContext['whole']>, exposed: string): ItemKind {
  if (resolve === resolveTool) return 'tools';
  if (resolve === resolvePrompt) return 'prompts';
  return resolve === resolveTemplate && uris.resolveTemplate(exposed) ? 'resourceTemplates' : 'resources';
}
