/** The users of Patchbay's own sign-in: those of users.yaml, as it is now. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type ConfigWatch, type WatchTiming, watchConfig } from '../config/watch.ts';
import { type Audit, noAudit } from '../telemetry/audit.ts';
import type { Logger } from '../telemetry/log.ts';
import { addressKey } from './address-key.ts';
import { Busy, checkPassword, hashPassword, makePassword } from './passwords.ts';
import { Throttle } from './throttle.ts';
import { addFirstUser } from './users-edit.ts';
import { type FiledUser, readUsers, type UserRecord, UsersProblem } from './users-file.ts';

export type { UserRecord } from './users-file.ts';

/** What came of a name and a password. Why they are wrong is not told. */
export type Checked = UserRecord | 'wrong' | { readonly retryInSeconds: number };

/** The administrator of a first run. The password is not to be had again. */
export interface FirstUser {
  readonly name: string;
  readonly password: string;
  /** Whether the next run knows it. */
  readonly kept: boolean;
}

export interface UsersOptions {
  /** Absolute; `undefined` where nothing is kept between runs, and the users there are end with the process. */
  readonly file: string | undefined;
  readonly log: Logger;
  readonly audit?: Audit;
  readonly throttle?: Throttle;
  readonly timing?: WatchTiming;
}

/** Longest name that is looked for; what is longer is nobody's. */
const LONGEST_NAME = 64;
const BUSY_SECONDS = 2;
const FIRST_USER = 'admin';
const FIRST_GROUP = 'admins';

export class Users {
  /** Where they are; `undefined` when nothing is kept. */
  readonly file: string | undefined;
  readonly #log: Logger;
  readonly #audit: Audit;
  readonly #throttle: Throttle;
  readonly #watch: ConfigWatch | undefined;
  readonly #listeners = new Set<(names: readonly string[]) => void>();
  #users: ReadonlyMap<string, FiledUser>;

  /**
   * Reads the file, and reads it again when it changes. A change that is not right leaves the users as they were.
   * @throws UsersProblem when the file that is there cannot be used
   */
  constructor({ file, log, audit = noAudit, throttle = new Throttle(), timing }: UsersOptions) {
    this.file = file;
    this.#log = log;
    this.#audit = audit;
    this.#throttle = throttle;
    this.#users = file === undefined ? new Map() : readUsers(file);
    if (file !== undefined) this.#watch = watchConfig([file], () => this.#reload(), timing);
  }

  get count(): number {
    return this.#users.size;
  }

  /** @param name in any case */
  find(name: string): UserRecord | undefined {
    const user = this.#users.get(normal(name));
    return user && recordOf(user);
  }

  /**
   * Checks a password. It takes the same work whether there is such a user or not. The caller writes the audit line.
   * @param address of the browser
   */
  async check(name: string, password: string, address: string): Promise<Checked> {
    const asked = normal(name);
    const attempt = this.#throttle.attempt(asked, addressKey(address));
    if ('retryInSeconds' in attempt) return attempt;
    const user = this.#users.get(asked);
    try {
      if (!(await checkPassword(password, user?.hash))) return 'wrong';
    } catch (error) {
      attempt.withdrawn();
      if (error instanceof Busy) return { retryInSeconds: BUSY_SECONDS };
      throw error;
    }
    // the user may have been removed, or given another password, while this one was checked
    const now = this.#users.get(asked);
    if (!now || now.hash !== user?.hash) return 'wrong';
    attempt.succeeded();
    return recordOf(now);
  }

  /**
   * What tells whether a user is still the one of then, by name: another password or other groups give another text, from
   * which neither can be had.
   */
  marks(): ReadonlyMap<string, string> {
    const mark = ({ hash, groups }: FiledUser): string =>
      createHash('sha256')
        .update(JSON.stringify([hash, groups]))
        .digest('base64url');
    return new Map([...this.#users.values()].map((user) => [user.name, mark(user)]));
  }

  /**
   * Calls back when users were read again, with the names of those who were removed, or whose password or groups were
   * changed: what they had signed in to should end.
   */
  onChange(listener: (names: readonly string[]) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Where there is no user at all, makes an administrator.
   * @returns `undefined` when there is a user already
   */
  async makeFirst(): Promise<FirstUser | undefined> {
    if (this.#users.size > 0) return undefined;
    const password = makePassword();
    const hash = await hashPassword(password);
    const user = { name: FIRST_USER, displayName: 'Administrator', email: undefined, groups: [FIRST_GROUP], hash };
    const kept = this.#keep(user);
    if (kept === 'another was faster') {
      this.#reload();
      return undefined;
    }
    this.#users = new Map([[user.name, user]]);
    this.#tell([]);
    this.#audit('user added', { user: user.name, groups: user.groups, reason: 'first run' });
    return { name: user.name, password, kept };
  }

  /** Ends the watch. */
  stop(): void {
    this.#watch?.stop();
    this.#listeners.clear();
  }

  /** @returns whether the user outlives this run */
  #keep(user: FiledUser & { readonly hash: string }): boolean | 'another was faster' {
    if (this.file === undefined) return false;
    try {
      return addFirstUser(this.file, user) || 'another was faster';
    } catch (error) {
      if (!(error instanceof UsersProblem)) throw error;
      this.#log.warn(`${error.message}; until then, the first user is for this run only`);
      return false;
    }
  }

  #reload(): void {
    let next: ReadonlyMap<string, FiledUser>;
    try {
      // without its last user the file is still there: that it is gone is taken for an accident
      if (this.#users.size > 0 && !existsSync(this.file!))
        throw new UsersProblem(`${this.file}: the file is gone; put it back`);
      next = readUsers(this.file!);
    } catch (error) {
      if (!(error instanceof UsersProblem)) throw error;
      const problems = error.message.split('\n');
      this.#log.error({ problems }, 'users not read again: the file has problems, and the users stay as they were');
      return;
    }
    const before = this.#users;
    this.#users = next;
    const added = [...next.values()].filter(({ name }) => !before.has(name));
    const changed = [...before.values()].filter((user) => differs(user, next.get(user.name)));
    if (added.length + changed.length > 0) this.#log.info({ users: next.size }, 'users read again');
    for (const { name, groups } of added) this.#audit('user added', { user: name, groups });
    for (const { name } of changed) {
      const now = next.get(name);
      this.#audit(now ? 'user changed' : 'user removed', { user: name, groups: now?.groups });
    }
    if (added.length + changed.length > 0) this.#tell(changed.map(({ name }) => name));
  }

  #tell(changed: readonly string[]): void {
    for (const listener of this.#listeners) listener(changed);
  }
}

const differs = (before: FiledUser, after: FiledUser | undefined): boolean =>
  after === undefined || before.hash !== after.hash || before.groups.join('\n') !== after.groups.join('\n');

const normal = (name: string): string =>
  name
    .trim()
    .slice(0, LONGEST_NAME + 1)
    .toLowerCase();

const recordOf = ({ name, displayName, email, groups }: FiledUser): UserRecord => ({
  name,
  displayName,
  email,
  groups,
});
