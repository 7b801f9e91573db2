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

/** Accounts of a provider, beside which no user of the file can be: those have no colon in their names. */
const FEDERATED = 'idp:';
const KIND = 'Account';
/** How long is remembered what a provider said, seconds; the next sign-in says it anew. */
const REMEMBERED = 400 * 86_400;

export class Accounts {
  readonly #users: Users | undefined;
  readonly #records: Records;
  readonly #prefix: string | undefined;

  /** @param issuer of the provider that signs users in; the subjects of another are other people (OpenID Connect Core §2) */
  constructor(users: Users | undefined, records: Records, issuer: string | undefined) {
    this.#users = users;
    this.#records = records;
    this.#prefix = issuer === undefined ? undefined : `${FEDERATED}${issuer}#`;
  }

  /** The person behind an account, if there is still one. */
  find(id: string): Person | undefined {
    if (!id.startsWith(FEDERATED)) {
      const user = this.#users?.find(id);
      return user && ofFile(user);
    }
    const known = this.#prefix !== undefined && id.startsWith(this.#prefix);
    return known ? (this.#records.get(KIND, id) as Person | undefined) : undefined;
  }

  /** Takes in whom the provider vouched for. */
  federated(subject: string, { label, name, email, groups }: Omit<Person, 'id'>): Person {
    const person = { id: `${this.#prefix}${subject}`, label, name, email, groups };
    this.#records.put(KIND, person.id, { ...person }, REMEMBERED);
    return person;
  }
}

export const ofFile = ({ name, displayName, email, groups }: UserRecord): Person => ({
  id: name,
  label: name,
  name: displayName,
  email,
  groups,
});
