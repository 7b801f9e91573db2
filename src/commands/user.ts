/** `patchbay user …`: the users who sign in at Patchbay itself. */
import { hashPassword, makePassword, weakness } from '../auth/passwords.ts';
import { addUser, removeUser, setPassword } from '../auth/users-edit.ts';
import { nameFinding, readUsers, UsersProblem } from '../auth/users-file.ts';
import { askNewPassword, firstLine } from './ask-password.ts';
import { CommandProblem, findPlaces } from './places.ts';
import { table } from './table.ts';

export interface UserOptions {
  /** The config files, the main one first. */
  readonly config: readonly string[];
}

export interface PasswordOptions extends UserOptions {
  /** The password is the first line of stdin. */
  readonly passwordStdin?: boolean;
}

export interface AddOptions extends PasswordOptions {
  readonly name?: string;
  readonly email?: string;
  readonly group?: readonly string[];
}

/** Adds a user. @returns the exit code */
export function userAdd(name: string, options: AddOptions): Promise<number> {
  return command(options, async (file, modes) => {
    const user = name.toLowerCase();
    const found = nameFinding(user);
    if (found) throw new CommandProblem(`${JSON.stringify(name)} ${found.message}; ${found.mend}`);
    if (readUsers(file).has(user))
      throw new CommandProblem(`${user} is a user already; \`patchbay user passwd ${user}\` changes the password`);
    const { hash, made } = await newPassword(user, options);
    const { name: displayName, email, group: groups = [] } = options;
    addUser(file, { name: user, displayName, email, groups, hash });
    say(`added ${user} to ${file}`);
    tellMade(made);
    if (!modes.includes('embedded'))
      say(`nobody signs in with it yet: add embedded to auth.mode in ${options.config[0]}`);
  });
}

/** Gives a user another password. @returns the exit code */
export function userPasswd(name: string, options: PasswordOptions): Promise<number> {
  return command(options, async (file) => {
    const user = name.toLowerCase();
    if (!readUsers(file).has(user)) throw new CommandProblem(`there is no user ${user} in ${file}`);
    const { hash, made } = await newPassword(user, options);
    setPassword(file, user, hash);
    say(`changed the password of ${user} in ${file}`);
    tellMade(made);
  });
}

/** Removes a user. @returns the exit code */
export function userRemove(name: string, options: UserOptions): Promise<number> {
  return command(options, async (file) => {
    removeUser(file, name.toLowerCase());
    say(`removed ${name.toLowerCase()} from ${file}`);
  });
}

/** Lists the users. @returns the exit code */
export function userList(options: UserOptions): Promise<number> {
  return command(options, async (file) => {
    const users = [...readUsers(file).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (users.length === 0) return say(`no users in ${file}; \`patchbay user add NAME\` adds one`);
    const rows = users.map(({ name, displayName = '', email = '', groups, hash }) => [
      ...[name, displayName, email, groups.join(', ')],
      hash === undefined ? 'none' : 'set',
    ]);
    process.stdout.write(table(['USER', 'NAME', 'E-MAIL', 'GROUPS', 'PASSWORD'], rows));
  });
}

async function command(
  { config }: UserOptions,
  work: (file: string, modes: readonly unknown[]) => Promise<void>,
): Promise<number> {
  try {
    const { users, modes } = findPlaces(config);
    if (users === undefined)
      throw new CommandProblem(
        'there is nowhere to keep users: storage.folder is none; set auth.embedded.users to a file',
      );
    await work(users, modes);
    return 0;
  } catch (error) {
    if (!(error instanceof CommandProblem) && !(error instanceof UsersProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** Of the one that was typed or piped in, or else of one that is made up. */
async function newPassword(user: string, { passwordStdin }: PasswordOptions): Promise<{ hash: string; made?: string }> {
  let chosen: string | undefined;
  if (passwordStdin) chosen = await firstLine(process.stdin);
  else if (process.stdin.isTTY) chosen = await askNewPassword({ input: process.stdin, output: process.stderr }, user);
  if (chosen === undefined) {
    const made = makePassword();
    return { hash: await hashPassword(made), made };
  }
  const weak = weakness(chosen, user);
  if (weak !== undefined) throw new CommandProblem(`this password will not do: ${weak}`);
  return { hash: await hashPassword(chosen) };
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function tellMade(made: string | undefined): void {
  if (made !== undefined) say(`password: ${made}\nIt is not kept and cannot be shown again.`);
}
