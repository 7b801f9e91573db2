import { scryptSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hashPassword } from '../../src/auth/passwords.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import { Users } from '../../src/auth/users.ts';
import { addFirstUser, addUser, removeUser, setPassword } from '../../src/auth/users-edit.ts';
import { parseUsers, readUsers, UsersProblem } from '../../src/auth/users-file.ts';

const HASH = await hashPassword('correct horse');
const OTHER = await hashPassword('battery staple');

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-users-'));
  file = join(folder, 'users.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const user = (name: string, more: object = {}) => ({
  ...{ name, displayName: undefined, email: undefined, groups: [], hash: HASH },
  ...more,
});

const problemsOf = (text: string): string[] => {
  try {
    parseUsers(text, 'users.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(UsersProblem);
    return (error as Error).message.split('\n');
  }
  throw new Error('it has no problems');
};

describe('the file', () => {
  test('has names, groups and hashes of passwords', () => {
    const users = parseUsers(
      `users:\n  ann: { name: Ann Example, email: ann@example.com, groups: [admins], password: ${HASH} }\n  bob:\n`,
      file,
    );
    expect([...users.values()]).toEqual([
      { name: 'ann', displayName: 'Ann Example', email: 'ann@example.com', groups: ['admins'], hash: HASH },
      { name: 'bob', displayName: undefined, email: undefined, groups: [], hash: undefined },
    ]);
  });

  test.each(['', '# nobody yet\n', 'users:\n', 'users: {}\n'])('%j has no users', (text) => {
    expect(parseUsers(text, file).size).toBe(0);
  });

  test.each([
    [
      'users:\n  Ann: {}\n',
      'users.yaml:2:3 users.Ann: "Ann" is not in lower case; write ann; it may be typed either way',
    ],
    [
      'users:\n  "a b": {}\n',
      'users.yaml:2:3 users."a b": "a b" is not a user name; use up to 64 letters a to z, digits and . _ @ + -, the first of them a letter or a digit',
    ],
    [
      'users:\n  ann:\n    email: nowhere\n',
      'users.yaml:3:5 users.ann.email: "nowhere" is not an e-mail address; write one such as ann@example.com',
    ],
    [
      'users:\n  ann:\n    groups: admins\n',
      'users.yaml:3:5 users.ann.groups: "admins" is not a list; write it as [first, second], or as lines that start with "- "',
    ],
    [
      'users:\n  ann:\n    pasword: x\n',
      'users.yaml:3:5 users.ann.pasword: "pasword" is not a key of it; use one of name, email, groups, password',
    ],
    ['user:\n  ann: {}\n', 'users.yaml:1:1 user: "user" is not a key of it; use one of users'],
    ['users:\n  ann: {}\n  ann: {}\n', 'users.yaml:3:3 users.ann: the key is given twice; keep one of the two'],
    ['users:\n  ann: [\n', /^users\.yaml:3:1: YAML: /],
    ['- ann\n', /^users\.yaml:1:1: .*a list/],
  ])('%j: the line and the mend', (text, problem) => {
    const found = problemsOf(text);
    expect(found).toHaveLength(1);
    if (typeof problem === 'string') expect(found[0]).toBe(problem);
    else expect(found[0]).toMatch(problem);
  });

  test.each(['hunter2', '12345678', '[hunter2]'])('a password that is written out, %s, is not shown', (password) => {
    const [problem, ...others] = problemsOf(`users:\n  ann:\n    password: ${password}\n`);
    expect(others).toEqual([]);
    expect(problem).toBe(
      'users.yaml:3:5 users.ann.password: the password is no scrypt hash; delete this line and run `patchbay user passwd NAME`',
    );
  });
});

describe('edits', () => {
  test('keep comments, order and what else is written in the file', () => {
    const text = `# our people\nusers:\n  # the boss\n  zoe:\n    groups: [ admins ] # all of it\n    password: ${HASH}\n\n  ann: { email: ann@example.com, password: "${HASH}" }\n# the end\n`;
    writeFileSync(file, text);
    addUser(file, user('bob', { displayName: 'Bob: the "builder" #1', groups: ['x, y', 'z'] }));
    setPassword(file, 'zoe', OTHER);
    removeUser(file, 'ann');
    const next = readFileSync(file, 'utf8');
    for (const comment of ['# our people', '# the boss', '# all of it', '# the end']) expect(next).toContain(comment);
    const users = readUsers(file);
    expect([...users.keys()]).toEqual(['zoe', 'bob']);
    expect(users.get('zoe')).toMatchObject({ groups: ['admins'], hash: OTHER });
    expect(users.get('bob')).toMatchObject({ displayName: 'Bob: the "builder" #1', groups: ['x, y', 'z'], hash: HASH });
  });

  test('make the file and its folder, for nobody else to read', () => {
    const deep = join(folder, 'new', 'users.yaml');
    addUser(deep, user('ann'));
    expect(statSync(deep).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700);
    expect(readFileSync(deep, 'utf8')).toMatch(/^# Users who sign in/);
  });

  test('take rights away that others have to the file', () => {
    writeFileSync(file, 'users: {}\n');
    chmodSync(file, 0o644);
    addUser(file, user('ann'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('go through a link to the file behind it', () => {
    const real = join(folder, 'real.yaml');
    writeFileSync(real, 'users: {}\n');
    symlinkSync(real, file);
    addUser(file, user('ann'));
    expect([...readUsers(real).keys()]).toEqual(['ann']);
  });

  test('set a password where there was no more than a name', () => {
    writeFileSync(file, 'users:\n  ann:\n');
    setPassword(file, 'ann', HASH);
    expect(readUsers(file).get('ann')?.hash).toBe(HASH);
  });

  test.each([
    ['a user who is there', () => addUser(file, user('ann')), /ann is a user already.*passwd ann/],
    ['a name that is none', () => addUser(file, user('../ann')), /is not a user name/],
    ['a password of nobody', () => setPassword(file, 'eve', HASH), /no user eve; there are ann/],
    ['the removal of nobody', () => removeUser(file, 'eve'), /no user eve/],
  ])('refuse %s, and leave the file as it was', (_, edit, why) => {
    const text = `users: { ann: { password: "${HASH}" } }\n`;
    writeFileSync(file, text);
    expect(edit).toThrow(why);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('refuse a file that is not right, and leave it as it was', () => {
    writeFileSync(file, 'users: [ann]\n');
    expect(() => addUser(file, user('bob'))).toThrow(UsersProblem);
    expect(readFileSync(file, 'utf8')).toBe('users: [ann]\n');
  });

  test('the first user is added to an empty file only', () => {
    expect(addFirstUser(file, user('admin'))).toBe(true);
    expect(addFirstUser(file, user('other'))).toBe(false);
    expect([...readUsers(file).keys()]).toEqual(['admin']);
  });
});

describe('users', () => {
  let users: Users;
  let lines: Record<string, unknown>[];
  const open = (options: object = {}) => {
    lines = [];
    const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    users = new Users({ file, log, timing: { interval: 20, quiet: 5 }, ...options });
    return users;
  };
  afterEach(() => users.stop());

  test('are found by name in any case, without their hash', () => {
    addUser(file, user('ann', { email: 'ann@example.com' }));
    expect(open().find(' ANN ')).toEqual({
      ...{ name: 'ann', displayName: undefined, email: 'ann@example.com', groups: [] },
    });
    expect(users.find('bob')).toBeUndefined();
    expect(users.count).toBe(1);
  });

  test('sign in with their own password', async () => {
    addUser(file, user('ann'));
    writeFileSync(file, `${readFileSync(file, 'utf8')}  bob: {}\n`);
    open();
    expect(await users.check('Ann', 'correct horse', '192.0.2.1')).toMatchObject({ name: 'ann' });
    expect(await users.check('ann', 'wrong horse', '192.0.2.1')).toBe('wrong');
    expect(await users.check('bob', 'correct horse', '192.0.2.1')).toBe('wrong');
    expect(await users.check('nobody', 'correct horse', '192.0.2.1')).toBe('wrong');
    expect(await users.check('constructor', '', '192.0.2.1')).toBe('wrong');
    expect(await users.check('x'.repeat(100_000), 'y', '192.0.2.1')).toBe('wrong');
  });

  test('who are tried too often wait, with the right password as well', async () => {
    addUser(file, user('ann'));
    let now = 0;
    open({ throttle: new Throttle(() => now) });
    for (let i = 0; i < 5; i++) expect(await users.check('ann', 'wrong', '192.0.2.1')).toBe('wrong');
    expect(await users.check('ann', 'correct horse', '192.0.2.1')).toEqual({ retryInSeconds: 2 });
    expect(await users.check('ann', 'correct horse', '192.0.2.2')).toMatchObject({ name: 'ann' });
    now += 2_000;
    expect(await users.check('ann', 'correct horse', '192.0.2.1')).toMatchObject({ name: 'ann' });
  });

  test('a flood of tries at once is sent away, and ends', async () => {
    const hash = scryptSync('correct horse', 'some salt here', 32, { N: 1_024, r: 8, p: 1 }).toString('base64url');
    const salt = Buffer.from('some salt here').toString('base64url');
    addUser(file, user('ann', { hash: `scrypt$1024$8$1$${salt}$${hash}` }));
    open();
    const tries = Array.from({ length: 60 }, (_, i) => users.check('ann', 'wrong', `192.0.2.${i}`));
    const outcomes = await Promise.all(tries);
    const busy = outcomes.filter((one) => typeof one === 'object' && 'retryInSeconds' in one);
    expect(busy.length).toBeGreaterThanOrEqual(60 - 34);
    expect(outcomes.filter((one) => one === 'wrong')).toHaveLength(60 - busy.length);
  });

  test('are those of the file as it is now; listeners hear whose sign-ins should end', async () => {
    for (const name of ['ann', 'bob', 'eve']) addUser(file, user(name));
    const told: string[][] = [];
    const audited: unknown[] = [];
    open({ audit: (event: string, facts: { user: string }) => audited.push([event, facts.user]) });
    users.onChange((names) => told.push([...names]));
    removeUser(file, 'eve');
    setPassword(file, 'bob', OTHER);
    addUser(file, user('joe'));
    await vi.waitFor(() => {
      expect(users.find('joe')).toBeDefined();
      expect(told.flat().sort()).toEqual(['bob', 'eve']);
    });
    expect(users.find('eve')).toBeUndefined();
    expect(await users.check('bob', 'battery staple', '192.0.2.1')).toMatchObject({ name: 'bob' });
    expect(audited.sort()).toEqual([
      ['user added', 'joe'],
      ['user changed', 'bob'],
      ['user removed', 'eve'],
    ]);
  });

  test('stay as they were when the file is changed to something that is not right, or is gone', async () => {
    addUser(file, user('ann'));
    open();
    writeFileSync(file, 'users:\n  Ann: {}\n');
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toMatchObject({ level: 50, problems: [expect.stringMatching(/users\.yaml:2:3 users\.Ann/)] });
    expect(users.find('ann')).toBeDefined();
    rmSync(file);
    await vi.waitFor(() => expect(lines).toHaveLength(2));
    expect(lines[1]).toMatchObject({ problems: [expect.stringMatching(/gone/)] });
    expect(users.find('ann')).toBeDefined();
    addUser(file, user('bob'));
    await vi.waitFor(() => expect(users.find('bob')).toBeDefined());
    expect(users.find('ann')).toBeUndefined();
  });

  test('a file that is not right keeps them from beginning', () => {
    writeFileSync(file, 'users: [ann]\n');
    expect(() => open()).toThrow(UsersProblem);
  });

  test('the first is made once, and kept', async () => {
    const made = await open().makeFirst();
    expect(made).toMatchObject({ name: 'admin', kept: true });
    expect(await users.check('admin', made!.password, '192.0.2.1')).toMatchObject({ groups: ['admins'] });
    expect(await users.makeFirst()).toBeUndefined();
    expect(readFileSync(file, 'utf8')).not.toContain(made!.password);
    expect(JSON.stringify(lines)).not.toContain(made!.password);
  });

  test('of two gateways that make the first at once, one does', async () => {
    const one = open();
    const other = new Users({ file, log: pino({ enabled: false }) });
    const made = await Promise.all([one.makeFirst(), other.makeFirst()]);
    other.stop();
    expect(made.filter((each) => each !== undefined)).toHaveLength(1);
    expect([one.count, other.count]).toEqual([1, 1]);
  });

  test('where nothing is kept, or nothing can be, the first is there for this run', async () => {
    const made = await open({ file: undefined }).makeFirst();
    expect(made).toMatchObject({ kept: false });
    expect(await users.check('admin', made!.password, '192.0.2.1')).toMatchObject({ name: 'admin' });
    users.stop();
    // nobody can lock the file
    mkdirSync(join(folder, '.users.yaml.lock'));
    expect(await open().makeFirst()).toMatchObject({ kept: false });
    expect(lines.filter(({ msg }) => String(msg).includes('for this run only'))).toHaveLength(1);
  });
});
