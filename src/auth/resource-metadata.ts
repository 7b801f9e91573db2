/** The document that says who protects the endpoint, and where its tokens come from (RFC 9728). */
import type { Config } from '../config/schema.ts';
import type { Addresses } from './addresses.ts';
import type { Endpoint } from './profiles.ts';

export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** The scope of the embedded server that stands for all that its user may do. */
const EVERYTHING = 'mcp';

export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly resource_name: string;
}

/** Where the document about an endpoint is: its path goes behind the well-known one (RFC 9728 §3.1). @param base as {@link Addresses} has it */
export function metadataUrl(base: string, endpoint: string): string {
  const { origin, pathname } = new URL(base);
  return `${origin}${METADATA_PATH}${pathname.replace(/\/$/, '')}${endpoint}`;
}

/**
 * @returns `undefined` where no server gives out tokens
 * @param host the Host header of the request, which counts on this machine alone
 */
export function resourceMetadata(
  { mode, jwt, introspection }: Config['auth'],
  { path, title, scopes: policy }: Endpoint,
  addresses: Addresses,
  host: string | undefined,
): ResourceMetadata | undefined {
  const embedded = mode.includes('embedded');
  const servers = [
    ...(embedded ? [addresses.base] : []),
    ...(mode.includes('jwt') ? jwt : []).map(({ issuer }) => issuer),
    ...(mode.includes('introspection') ? introspection : []).map(({ issuer }) => issuer),
  ];
  // keys are not had from a server: nothing could be found out from such a document
  if (servers.length === 0) return undefined;
  // the least that is of use; what some items need beside it is told when it is needed
  const scopes = [...new Set([...(embedded ? [EVERYTHING] : []), ...policy.required])];
  return {
    resource: `${addresses.baseFor(host)}${path}`,
    authorization_servers: [...new Set(servers)],
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ['header'],
    resource_name: title,
  };
}
