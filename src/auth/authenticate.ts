/** From an HTTP request to a principal. With `auth.mode: none` everyone is the same anonymous one. */
import type { Principal } from '../protocol/call.ts';

export const ANONYMOUS: Principal = { key: 'anonymous', subject: 'anonymous', scopes: [] };

export type Authenticate = (headers: Readonly<Record<string, string | string[] | undefined>>) => Principal;

export function createAuthenticate(mode: 'none'): Authenticate {
  switch (mode) {
    case 'none':
      return () => ANONYMOUS;
  }
}
