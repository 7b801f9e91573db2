/** What a gateway is given beside its config. */
import type { AuthorizationServer } from '../auth/server/authorization-server.ts';
import type { Users } from '../auth/users.ts';
import type { Database } from '../storage/database.ts';
import type { Vault } from '../storage/vault.ts';
import type { PinBoard } from './pin-board.ts';
import type { Peers } from './workers/peers.ts';

export interface Kept {
  /** What outlives the process; nothing does without it. */
  readonly database?: Database | undefined;
  /** How secrets are kept in it. */
  readonly vault?: Vault | undefined;
  /** Who signs in here with a password. */
  readonly users?: Users | undefined;
  /** What definitions are held against; nothing is without it. */
  readonly pins?: PinBoard | undefined;
  /** What signs people in, loaded by those alone who need it. */
  readonly SignIn?: typeof AuthorizationServer | undefined;
  /** The other workers on the same port; none when this process is alone. */
  readonly peers?: Peers | undefined;
}
