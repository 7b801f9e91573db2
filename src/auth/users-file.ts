/**
 * The file with the users who sign in at Patchbay itself:
 *
 *     users:
 *       ann:
 *         name: Ann Example
 *         email: ann@example.com
 *         groups: [admins]
 *         password: scrypt$…
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { text } from '../config/fields.ts';
import type { Finding } from '../config/finding.ts';
import { findingsOf } from '../config/issues.ts';
import { formatProblem, type Problem, toProblems } from '../config/problems.ts';
import { readYaml } from '../config/yaml.ts';
import { isPasswordHash } from './passwords.ts';

/** What is known of a user, apart from the password. */
export interface UserRecord {
  /** Lower case. */
  readonly name: string;
  readonly displayName: string | undefined;
  readonly email: string | undefined;
  readonly groups: readonly string[];
}

/** A user as the file has it. */
export interface FiledUser extends UserRecord {
  /** What is kept of the password; `undefined` for those who cannot sign in with one. */
  readonly hash: string | undefined;
}

/** The file cannot be used; the message has a line for each problem, with place and mend. */
export class UsersProblem extends Error {
  /** The same one by one, each with its file; empty where it is about what somebody asked for. */
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

const problemOf = (problems: readonly Problem[], file: string): UsersProblem =>
  new UsersProblem(
    problems.map((problem) => formatProblem(problem, file)).join('\n'),
    problems.map((problem) => ({ ...problem, file })),
  );

const NAME = /^[a-z0-9][a-z0-9._@+-]{0,63}$/;

/** What is wrong with a user name, if anything. */
export function nameFinding(name: string): Finding | undefined {
  if (NAME.test(name)) return undefined;
  if (NAME.test(name.toLowerCase())) {
    return { message: 'is not in lower case', mend: `write ${name.toLowerCase()}; it may be typed either way` };
  }
  const mend = 'use up to 64 letters a to z, digits and . _ @ + -, the first of them a letter or a digit';
  return { message: 'is not a user name', mend };
}

const EMAIL = /^[^\s@]+@[^\s@]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const LINE = /^[^\u0000-\u001f\u007f]{1,200}$/;

const line = (what: string) =>
  text((value) =>
    LINE.test(value) ? undefined : { message: `is not ${what}`, mend: 'write one line of at most 200 characters' },
  );

/** Its value is never shown: it may be a password that somebody wrote here. */
const NO_HASH: Finding = {
  message: 'the password is no scrypt hash',
  mend: 'delete this line and run `patchbay user passwd NAME`',
  subject: 'none',
};

const password = text((value) => (isPasswordHash(value) ? undefined : NO_HASH));

const user = z
  .strictObject({
    name: line('a name').optional(),
    email: text((value) =>
      EMAIL.test(value)
        ? undefined
        : { message: 'is not an e-mail address', mend: 'write one such as ann@example.com' },
    ).optional(),
    groups: z.array(line('a group')).default([]),
    password: password.optional(),
  })
  .nullable();

const schema = z.strictObject({ users: z.record(text(nameFinding), user).nullish() });

const KEYS = ['name', 'email', 'groups', 'password'];

/**
 * Reads the text of such a file.
 * @param file names it in problems
 * @throws UsersProblem
 */
export function parseUsers(content: string, file: string): ReadonlyMap<string, FiledUser> {
  const yaml = readYaml(content);
  const source = { raw: yaml.value, origins: new Map(), locate: yaml.locate };
  const fail = (findings: Iterable<Finding>): never => {
    throw problemOf(toProblems(findings, source), file);
  };
  if (yaml.findings.length > 0) return fail(yaml.findings);
  if (yaml.value === null) return new Map();
  const parsed = schema.safeParse(yaml.value);
  if (!parsed.success) return fail(parsed.error.issues.flatMap((found) => explain(found, yaml.value)));
  return new Map(
    Object.entries(parsed.data.users ?? {}).map(([name, entry]) => {
      const { name: displayName, email, groups = [], password: hash } = entry ?? {};
      return [name, { name, displayName, email, groups, hash }];
    }),
  );
}

/** The words for keys are those of this file, not of the config. */
function explain(found: z.core.$ZodIssue, raw: unknown): Finding[] {
  if (found.code === 'unrecognized_keys') {
    const known = found.path.length === 0 ? ['users'] : KEYS;
    const mend = `use one of ${known.join(', ')}`;
    return found.keys.map((key) => ({
      path: [...found.path, key],
      message: 'is not a key of it',
      mend,
      subject: 'key',
    }));
  }
  // not even of another type: numbers are passwords, too
  if (found.path[2] === 'password') return [{ ...NO_HASH, path: found.path }];
  return findingsOf([found], raw);
}

/**
 * Reads the file.
 * @returns no users when it is not there
 * @throws UsersProblem
 */
export function readUsers(file: string): ReadonlyMap<string, FiledUser> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new Map();
    const message = `the file cannot be read (${code})`;
    throw problemOf([{ path: '', message, mend: 'let the user that runs Patchbay read it' }], file);
  }
  return parseUsers(content, file);
}
