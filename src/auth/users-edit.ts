/** Edits of the file with the users, one after the other, each of them whole or not at all; comments stay where they are. */
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Document, isMap, parseDocument } from 'yaml';
import { type FiledUser, nameFinding, parseUsers, UsersProblem } from './users-file.ts';

const HEAD = ` Users who sign in at Patchbay itself. \`patchbay user --help\` lists the commands that edit this file; what is
 changed by hand takes effect at once, and comments stay.`;

/** How long another edit may take, milliseconds. */
const LOCK_WAIT = 10_000;

/** A user to be added. */
export type NewUser = Omit<FiledUser, 'hash'> & { readonly hash: string };

/** @throws UsersProblem when there is one of that name, or the file cannot be used */
export function addUser(file: string, user: NewUser): void {
  checkName(user.name);
  edit(file, (doc, users) => {
    if (users.has(user.name))
      throw new UsersProblem(
        `${user.name} is a user already; \`patchbay user passwd ${user.name}\` changes the password`,
      );
    put(doc, user);
  });
}

/** Adds the first of all users. @returns false when there is one already */
export function addFirstUser(file: string, user: NewUser): boolean {
  return edit(file, (doc, users) => {
    if (users.size > 0) return false;
    put(doc, user);
    return true;
  });
}

/** @throws UsersProblem when there is no such user, or the file cannot be used */
export function setPassword(file: string, name: string, hash: string): void {
  edit(file, (doc, users) => {
    known(users, name);
    if (isMap(doc.getIn(['users', name], true))) doc.setIn(['users', name, 'password'], hash);
    else doc.setIn(['users', name], doc.createNode({ password: hash }));
  });
}

/** @throws UsersProblem when there is no such user, or the file cannot be used */
export function removeUser(file: string, name: string): void {
  edit(file, (doc, users) => {
    known(users, name);
    doc.deleteIn(['users', name]);
  });
}

function put(doc: Document, { name, displayName, email, groups, hash }: NewUser): void {
  const entry = doc.createNode({
    ...(displayName !== undefined && { name: displayName }),
    ...(email !== undefined && { email }),
    ...(groups.length > 0 && { groups: doc.createNode([...groups], { flow: true }) }),
    password: hash,
  });
  if (isMap(doc.get('users', true))) doc.setIn(['users', name], entry);
  else doc.set('users', doc.createNode({ [name]: entry }));
}

function checkName(name: string): void {
  const found = nameFinding(name);
  if (found) throw new UsersProblem(`${JSON.stringify(name)} ${found.message}; ${found.mend}`);
}

function known(users: ReadonlyMap<string, FiledUser>, name: string): void {
  if (users.has(name)) return;
  const names = [...users.keys()].sort().slice(0, 20).join(', ');
  throw new UsersProblem(`there is no user ${name}; ${names === '' ? 'there is none at all' : `there are ${names}`}`);
}

/** Reads, changes and writes the file while nobody else does. What `change` throws leaves it as it was. */
function edit<T>(path: string, change: (doc: Document, users: ReadonlyMap<string, FiledUser>) => T): T {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return locked(path, () => {
      const { content, file } = read(path);
      const users = parseUsers(content, path);
      const doc = parseDocument(content);
      if (content.trim() === '') doc.commentBefore = HEAD;
      if (doc.contents === null) doc.contents = doc.createNode({}) as never;
      const result = change(doc, users);
      const next = doc.toString({ lineWidth: 0 });
      parseUsers(next, path);
      if (next !== content) replace(file, next);
      return result;
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof UsersProblem) throw error;
    const detail = code === 'ERR_SQLITE_ERROR' ? `it is locked: ${message}` : code;
    throw new UsersProblem(
      `${path} cannot be written (${detail}); let the user that runs this write it and its folder`,
    );
  }
}

/** @returns the content, and the file itself where the path is a link to it */
function read(path: string): { content: string; file: string } {
  try {
    return { content: readFileSync(path, 'utf8'), file: realpathSync(path) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { content: '', file: path };
    throw error;
  }
}

/**
 * The lock is one that the system takes back when its holder ends, however it ends: that of a database beside the file,
 * which stays empty.
 */
function locked<T>(path: string, work: () => T): T {
  const lock = join(dirname(path), `.${basename(path)}.lock`);
  closeSync(openSync(lock, 'a', 0o600));
  const db = new DatabaseSync(lock, { timeout: LOCK_WAIT });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return work();
  } finally {
    db.close();
  }
}

/** A new file takes the place of the old one in one step, so that nobody reads half of it. */
function replace(file: string, content: string): void {
  const part = join(dirname(file), `.${basename(file)}.${process.pid}.new`);
  rmSync(part, { force: true });
  const fd = openSync(part, 'wx', 0o600);
  try {
    writeSync(fd, content);
    fsyncSync(fd);
    closeSync(fd);
    keepOwner(part, file);
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** Where root edits the file of another user, that one must still be able to read it. */
function keepOwner(part: string, file: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(file, { throwIfNoEntry: false }) ?? statSync(dirname(file));
  chownSync(part, uid, gid);
}
