/** Who can sign in: users of the file, and those whom a provider vouched for. */
import type { UserRecord, Users } from '../users.ts';
import type { Records } from './records.ts';

/** A person, as tokens speak of it. */
export interface Person {
  /** Names the account in everything that is kept; never changes for one person. */
  readonly id: string;
  /** What people call it. */
  readonly label: string;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly groups: readonly string[];
}

/** Somebody whom a provider vouched for. */
interface Federated extends Person {
  /** Whether the address is known to be theirs. */
  readonly verified: boolean;
}

/** Accounts of a provider, beside which no user of the file can be: those have no colon in their names. */
const FEDERATED = 'idp:';
const KIND = 'Account';

export class Accounts {
  readonly #users: Users | undefined;
  readonly #records: Records;
  readonly #prefix: string | undefined;
  readonly #domains: readonly string[];

  /**
   * @param issuer of the provider that signs users in; the subjects of another are other people (OpenID Connect Core §2)
   * @param domains of those whom it lets in here; none: of all
   */
  constructor(users: Users | undefined, records: Records, issuer: string | undefined, domains: readonly string[] = []) {
    this.#users = users;
    this.#records = records;
    this.#prefix = issuer === undefined ? undefined : `${FEDERATED}${issuer}#`;
    this.#domains = domains;
  }

  /** Whether somebody with this address is let in. @param verified whether it is known to be theirs */
  admits({ email, verified }: Pick<Federated, 'email' | 'verified'>): boolean {
    if (this.#domains.length === 0) return true;
    const domain = email?.slice(email.lastIndexOf('@')).toLowerCase();
    return verified && this.#domains.some((one) => `@${one.toLowerCase()}` === domain);
  }

  /** The person behind an account, if there is still one. */
  find(id: string): Person | undefined {
    if (!id.startsWith(FEDERATED)) {
      const user = this.#users?.find(id);
      return user && ofFile(user);
    }
    const known = this.#prefix !== undefined && id.startsWith(this.#prefix);
    const person = known ? (this.#records.get(KIND, id) as Federated | undefined) : undefined;
    // domains may be others than they were at the last sign-in
    return person && this.admits(person) ? person : undefined;
  }

  /**
   * Takes in whom the provider vouched for.
   * @param believed how long, seconds; nobody is behind the account then until they sign in again
   */
  federated(
    subject: string,
    { label, name, email, groups, verified }: Omit<Federated, 'id'>,
    believed: number,
  ): Person {
    const person = { id: `${this.#prefix}${subject}`, label, name, email, groups, verified };
    this.#records.put(KIND, person.id, { ...person, accountId: person.id }, believed);
    return person;
  }
}

/** The accounts that somebody may mean by this: the user of the file, or those whom a provider knows by it. */
export function accountsCalled(name: string, records: Records): string[] {
  const called = name.toLowerCase();
  const isCalled = ({ id, label, email }: Person): boolean =>
    id === name || [label, email].some((one) => one?.toLowerCase() === called);
  const federated = (records.all(KIND) as unknown as Person[]).filter(isCalled).map(({ id }) => id);
  return [called, ...federated];
}

export const ofFile = ({ name, displayName, email, groups }: UserRecord): Person => ({
  id: name,
  label: name,
  name: displayName,
  email,
  groups,
});
