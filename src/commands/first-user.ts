/** The users of a gateway that signs them in itself; and, the first time, the administrator that is made for it. */
import { Users } from '../auth/users.ts';
import type { Config } from '../config/schema.ts';
import { auditTo } from '../telemetry/audit.ts';
import type { Logger } from '../telemetry/log.ts';
import { usersFile } from './places.ts';

/**
 * @param file the config file
 * @param folder the state folder
 * @returns `undefined` where nobody signs in at Patchbay itself
 * @throws UsersProblem when there is a file with users that cannot be used
 */
export function openUsers(config: Config, file: string, folder: string | undefined, log: Logger): Users | undefined {
  if (!config.auth.mode.includes('embedded')) return undefined;
  return new Users({ file: usersFile(config, file, folder), log, audit: auditTo(log) });
}

/** What a person types who started Patchbay by npm, or by itself. */
const COMMAND = process.env.npm_lifecycle_event === undefined ? 'patchbay' : 'npx patchbay';

/**
 * Makes the administrator when nobody could sign in without.
 * @param lasting whether what is kept is there after a restart
 * @returns the lines that tell the password, to be shown at once and only to the one who started Patchbay
 */
export async function firstUser(
  users: Users | undefined,
  { auth }: Config,
  lasting: boolean,
): Promise<string[] | undefined> {
  const { passwords, federation } = auth.embedded;
  if (!users || !passwords || federation !== undefined) return undefined;
  const made = await users.makeFirst();
  if (!made) return undefined;
  return [
    'First run: there was no user, so one was made. The password is shown this once.',
    `  user:      ${made.name}`,
    `  password:  ${made.password}`,
    made.kept && lasting
      ? `\`${COMMAND} user passwd ${made.name}\` changes it, \`${COMMAND} user add NAME\` adds others.`
      : 'Nothing is kept between runs, so the next one makes another; set storage.folder to keep it.',
  ];
}

const RULE = '-'.repeat(80);

/**
 * The same for a place without a terminal, such as a container, whose stderr may be all there is to read: lines of plain
 * text, set apart from those of the log.
 */
export const framed = (lines: readonly string[]): string => `${[RULE, ...lines, RULE].join('\n')}\n`;
