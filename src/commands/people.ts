/** Commands for users and keys: names, options and help. What a command needs is loaded when it runs. */
import { Command } from 'commander';
import { configOption } from './config-option.ts';

const CONFIG = 'config file, which says where they are kept';
const STDIN = ['--password-stdin', 'take the password from the first line of stdin'] as const;

/** Users who sign in at Patchbay itself. */
export function userCommand(): Command {
  const users = new Command('user').description('manage the users who sign in at Patchbay itself');
  users
    .command('add <name>')
    .description('add a user; without a terminal and --password-stdin, a password is made up and printed')
    .option('--name <text>', 'name that people know the user by')
    .option('--email <address>', 'e-mail address')
    .option('--group <group>', 'a group of the user; may be given several times', several)
    .option(...STDIN)
    .addOption(configOption(CONFIG))
    .action(async (name, options) => done(await (await import('./user.ts')).userAdd(name, options)));
  users
    .command('list')
    .description('list the users')
    .addOption(configOption(CONFIG))
    .action(async (options) => done(await (await import('./user.ts')).userList(options)));
  users
    .command('passwd <name>')
    .description('give a user another password')
    .option(...STDIN)
    .addOption(configOption(CONFIG))
    .action(async (name, options) => done(await (await import('./user.ts')).userPasswd(name, options)));
  users
    .command('remove <name>')
    .description('remove a user')
    .addOption(configOption(CONFIG))
    .action(async (name, options) => done(await (await import('./user.ts')).userRemove(name, options)));
  users
    .command('sign-out <name>')
    .description('end what somebody is signed in to, also one whom a provider signs in')
    .addOption(configOption(CONFIG))
    .action(async (name, options) => done((await import('./user-sign-out.ts')).userSignOut(name, options)));
  return users;
}

/** API keys. */
export function keyCommand(): Command {
  const keys = new Command('key').description('manage API keys, for machines');
  keys
    .command('create <name>')
    .description('make a key and print it, once')
    .option('--scope <scope>', 'a scope that it is good for; may be given several times (default: mcp)', several)
    .option('--group <group>', 'a group that it belongs to; may be given several times', several)
    .option('--expires <time>', 'how long it is good, such as 90d, or never', '365d')
    .option('--another', 'make a second key of this name, which counts as the same caller')
    .addOption(configOption(CONFIG))
    .action(async (name, options) => done(await (await import('./key.ts')).keyCreate(name, options)));
  keys
    .command('list')
    .description('list the keys, and when each was used last')
    .addOption(configOption(CONFIG))
    .action(async (options) => done(await (await import('./key.ts')).keyList(options)));
  keys
    .command('revoke <name-or-id>')
    .description('take a key away, or all of a name')
    .addOption(configOption(CONFIG))
    .action(async (which, options) => done(await (await import('./key.ts')).keyRevoke(which, options)));
  return keys;
}

/** What tokens are signed with. */
export function signingKeyCommand(): Command {
  const keys = new Command('signing-key').description('manage what tokens of Patchbay are signed with');
  keys
    .command('list')
    .description('list the keys')
    .addOption(configOption(CONFIG))
    .action(async (options) => done(await (await import('./signing-key.ts')).signingKeyList(options)));
  keys
    .command('rotate')
    .description('replace the keys; what the old ones signed stays good until it ends')
    .addOption(configOption(CONFIG))
    .action(async (options) => done(await (await import('./signing-key.ts')).signingKeyRotate(options)));
  return keys;
}

/** Collects what an option is given several times. */
export const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const done = (code: number): void => {
  process.exitCode = code;
};
