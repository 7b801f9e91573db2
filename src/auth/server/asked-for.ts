/** What a client asks a person for, as the page says it. */
import type { Grant, Interaction } from 'oidc-provider';

export interface AskedFor {
  /** Empty where none is named. */
  readonly resource: string;
  readonly scopes: readonly string[];
}

/**
 * All that would be granted now, or was before and is asked for again: which program of a computer asks cannot be known, so
 * that it is told each time.
 * @param grant what the person has allowed this client in this browser
 */
export function askedFor({ params, prompt }: Interaction, grant: InstanceType<typeof Grant> | undefined): AskedFor {
  const { missingResourceScopes = {}, missingOIDCScope = [] } = prompt.details as {
    missingResourceScopes?: Record<string, string[]>;
    missingOIDCScope?: string[];
  };
  const [[resource = String(params.resource ?? ''), missing = []] = []] = Object.entries(missingResourceScopes);
  const allowed = new Set(grant ? `${grant.getResourceScope(resource)} ${grant.getOIDCScope()}`.split(' ') : []);
  const again = String(params.scope ?? '').split(' ');
  const scopes = [...missing, ...missingOIDCScope, ...again.filter((name) => name !== '' && allowed.has(name))];
  return { resource, scopes: [...new Set(scopes)] };
}
