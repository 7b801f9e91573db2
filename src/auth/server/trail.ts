/** What the server did and refused, as lines of the audit trail. */
import type { errors, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Audit } from '../../telemetry/audit.ts';

/** Events of a request that was refused; that a user denied is told by the page where that was. */
const REFUSALS = ['authorization.error', 'grant.error', 'registration_create.error', 'revocation.error'] as const;
const TOLD = 'access_denied';

/** Writes down what happens in a server from now on. */
export function leaveTrail(provider: Provider, audit: Audit): void {
  provider.on('registration_create.success', (ctx, client) =>
    audit('client registered', {
      client: client.clientId,
      name: client.clientName,
      redirectUris: client.redirectUris,
      address: ctx.ip,
    }),
  );
  provider.on('grant.success', ({ oidc, ip }) => {
    const { client, entities } = oidc;
    audit('token issued', {
      user: entities.Account?.accountId,
      client: client?.clientId,
      address: ip,
      grant: oidc.params?.grant_type,
    });
  });
  provider.on('grant.revoked', (ctx) => audit('token revoked', { client: ctx.oidc.client?.clientId, address: ctx.ip }));
  const refused = ({ oidc, ip, path }: KoaContextWithOIDC, error: errors.OIDCProviderError): void => {
    if (error.error === TOLD) return;
    audit('refused', {
      fault: error.error,
      status: error.status,
      client: oidc.client?.clientId ?? oidc.params?.client_id,
      address: ip,
      // what follows names a step of one browser
      path: path.split('/', 3).join('/'),
      reason: error.error_detail ?? (error.cause instanceof Error ? error.cause.message : error.error_description),
    });
  };
  for (const event of REFUSALS) provider.on(event as 'grant.error', refused);
}
