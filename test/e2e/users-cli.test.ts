/** `patchbay user` and `patchbay key` as processes, and the administrator of a first run. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkPassword } from '../../src/auth/passwords.ts';
import { readUsers } from '../../src/auth/users-file.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { type Run, type RunOptions, run } from './cli-process.ts';

let folder: string;
let state: string;
let config: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-users-cli-'));
  state = join(folder, 'state');
  config = join(folder, 'patchbay.yaml');
  file = join(state, 'users.yaml');
  writeFileSync(config, 'auth: { mode: [embedded, apiKeys] }\nupstreams: {}\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param line words of the command line */
const patchbay = (line: string, options: RunOptions = {}): Promise<Run> =>
  run([...line.split(' '), '--config', config], { ...options, env: { STATE_DIRECTORY: state, ...options.env } });

const isRight = (name: string, password: string): Promise<boolean> =>
  checkPassword(password, readUsers(file).get(name)?.hash);

const passwordIn = (text: string): string => /password: +(\S+)$/m.exec(text)?.[1] ?? 'none';

describe('patchbay user', () => {
  test('add makes up a password and shows it once; list shows who there is', async () => {
    const added = await patchbay('user add Ann --name Ann --email ann@example.com --group admins --group staff');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toContain(`added ann to ${file}`);
    expect(await isRight('ann', passwordIn(added.stdout))).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { stdout } = await patchbay('user list');
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['USER', 'NAME', 'E-MAIL', 'GROUPS', 'PASSWORD'],
      ['ann', 'Ann', 'ann@example.com', 'admins, staff', 'set'],
      [''],
    ]);
  });

  test('takes a password from stdin, and shows it nowhere', async () => {
    const added = await patchbay('user add ann --password-stdin', { input: 'correct horse\nand more\n' });
    expect(added).toMatchObject({ code: 0, stdout: `added ann to ${file}\n` });
    expect(await isRight('ann', 'correct horse')).toBe(true);
    const changed = await patchbay('user passwd ANN --password-stdin', { input: 'battery staple' });
    expect(changed).toMatchObject({ code: 0, stdout: `changed the password of ann in ${file}\n` });
    expect(await isRight('ann', 'battery staple')).toBe(true);
    expect(await patchbay('user remove ann')).toMatchObject({ code: 0, stdout: `removed ann from ${file}\n` });
    expect(readUsers(file).size).toBe(0);
  });

  test.each([
    ['user add ann --password-stdin', 'short\n', /will not do: it has 5 characters; use 10 or more/],
    ['user add ann --password-stdin', '', /no password came on stdin/],
    ['user add a/b', undefined, /"a\/b" is not a user name; use up to 64 letters/],
    ['user passwd eve', undefined, /there is no user eve/],
    ['user remove eve', undefined, /there is no user eve/],
    ['user add ann --email nowhere', undefined, /"nowhere" is not an e-mail address/],
  ])('%s with %j ends with 1, says why, and writes nothing', async (line, input, why) => {
    const done = await patchbay(line, input === undefined ? {} : { input });
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(why);
    expect(done.stderr).not.toMatch(/\n\s+at /);
    expect(readUsers(file).size).toBe(0);
  });

  test('several at once all take effect', async () => {
    const names = ['ann', 'bob', 'eve', 'joe', 'kim', 'zoe'];
    const done = await Promise.all(names.map((name) => patchbay(`user add ${name}`)));
    for (const { code, stderr } of done) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect([...readUsers(file).keys()].sort()).toEqual(names);
  });

  test('edits the file that the config names, also where the rest of the config needs what is not there', async () => {
    writeFileSync(
      config,
      `auth: { mode: embedded, embedded: { users: people/users.yaml } }\nupstreams: { a: { url: "\${env:NOT_SET}" } }\n`,
    );
    const own = join(folder, 'people', 'users.yaml');
    expect(await patchbay('user add ann')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`added ann to ${own}`),
    });
    expect([...readUsers(own).keys()]).toEqual(['ann']);
  });

  test('says when nobody could sign in with it, and when there is nowhere to keep it', async () => {
    writeFileSync(config, 'upstreams: {}\n');
    expect((await patchbay('user add ann')).stdout).toContain(`add embedded to auth.mode in ${config}`);
    writeFileSync(config, 'storage: { folder: none }\n');
    expect(await patchbay('user add ann')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nowhere to keep users/),
    });
    writeFileSync(config, 'storage: { folder: [a] }\n');
    expect(await patchbay('user list')).toMatchObject({
      ...{
        code: 1,
        stderr: expect.stringMatching(/patchbay\.yaml:1:12 storage\.folder: a list is not text; write a path/),
      },
    });
  });

  test('names the line of a file that is not right', async () => {
    await patchbay('user add ann');
    writeFileSync(file, `${readFileSync(file, 'utf8')}  Bob: {}\n`);
    const { code, stderr } = await patchbay('user list');
    expect(code).toBe(1);
    expect(stderr).toMatch(/users\.yaml:\d+:3 users\.Bob: "Bob" is not in lower case; write bob/);
  });
});

describe('patchbay key', () => {
  test('create writes the key alone on stdout, list does not show it, revoke takes it away', async () => {
    const made = await patchbay('key create ci --scope tools:read --scope tools:write --group build --expires 90d');
    expect(made.stdout).toMatch(/^pbk_[0-9a-f]{12}_[0-9a-f]{64}\n$/);
    expect(made.stderr).toMatch(/expires on \d{4}-\d\d-\d\d.*cannot be shown again/);
    const id = made.stdout.split('_')[1]!;
    const { stdout } = await patchbay('key list');
    expect(stdout).toMatch(
      new RegExp(`^${id} +ci +tools:read tools:write +build +\\d{4}-\\d\\d-\\d\\d +\\d{4}-\\d\\d-\\d\\d +never$`, 'm'),
    );
    expect(stdout).not.toContain(made.stdout.trim().slice(-64));
    expect((await patchbay(`key revoke ${id}`)).stdout).toBe(`revoked ci (${id})\n`);
    expect((await patchbay('key list')).stdout).toMatch(/^no keys in /);
    expect(await patchbay('key revoke ci')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no key ci/),
    });
  });

  test.each([
    ['key create ci --expires 90', /90 is not a time; write one such as 90d/],
    ['key create ci --expires 0d', /is not a time/],
    ['key create ci --expires 9999d', /is not a time/],
    ['key create a/b', /"a\/b" is not a name/],
    ['key create ci --scope é', /"é" is not a scope/],
  ])('%s ends with 1 and says why', async (line, why) => {
    expect(await patchbay(line)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(why) });
  });

  test('a name is taken once, unless a second key is meant; one may live forever', async () => {
    expect((await patchbay('key create ci --expires never')).stderr).toMatch(/does not expire/);
    expect((await patchbay('key create ci')).stderr).toMatch(/key ci already; choose another name, or add --another/);
    expect((await patchbay('key create ci --another')).code).toBe(0);
    expect((await patchbay('key revoke ci')).stdout.trim().split('\n')).toHaveLength(2);
  });
});

describe('the first run', () => {
  const embedded = { config: { auth: { mode: 'embedded' }, upstreams: {} } };

  test('makes an administrator, whose password is shown once and never in a line of the log', async () => {
    const first = await startGateway({ ...embedded, env: { STATE_DIRECTORY: state } });
    await vi.waitFor(() => expect(first.noise.some((line) => line.includes('password:'))).toBe(true), 5_000);
    const password = passwordIn(first.noise.join('\n'));
    expect(first.noise.join('\n')).toMatch(/^-{80}\nFirst run: .*\n {2}user: +admin\n/);
    expect(await isRight('admin', password)).toBe(true);
    expect(readUsers(file).get('admin')?.groups).toEqual(['admins']);
    await first.waitForLog(({ audit, user }) => audit === 'user added' && user === 'admin');
    await first.stop();
    expect(JSON.stringify(first.logs)).not.toContain(password);
    const second = await startGateway({ ...embedded, env: { STATE_DIRECTORY: state } });
    await patchbay('user add ann');
    await second.waitForLog(({ audit, user }) => audit === 'user added' && user === 'ann');
    await second.stop();
    expect(second.noise).toEqual([]);
    expect([...readUsers(file).keys()]).toEqual(['admin', 'ann']);
  });

  test.each([
    ['somebody is there already', { mode: 'embedded' }, 'users: { ann: {} }\n'],
    ['nobody signs in here', { mode: 'apiKeys' }, ''],
    [
      'a provider signs people in',
      { mode: 'embedded', embedded: { federation: { issuer: 'https://login.example.com', clientId: 'patchbay' } } },
      '',
    ],
  ])('makes nobody when %s', async (_, auth, users) => {
    const own = join(folder, 'users.yaml');
    writeFileSync(own, users);
    const embedded = { users: own, ...('embedded' in auth ? auth.embedded : {}) };
    const gateway = await startGateway({ config: { auth: { ...auth, embedded }, upstreams: {} } });
    // the watch of the config is set up after that; what is to be printed is printed before it ends
    await gateway.stop();
    expect(gateway.noise).toEqual([]);
    expect(readFileSync(own, 'utf8')).toBe(users);
  });

  test('a file with users that is not right keeps Patchbay from starting, and says where', async () => {
    const own = join(folder, 'users.yaml');
    writeFileSync(own, 'users:\n  ann: { pasword: x }\n');
    writeFileSync(
      config,
      `server: { port: 0 }\nauth: { mode: embedded, embedded: { users: "${own}" } }\nupstreams: {}\n`,
    );
    const { code, stderr } = await patchbay('serve');
    expect(code).toBe(1);
    expect(stderr).toContain(`${own}:2:10 users.ann.pasword: "pasword" is not a key of it; use one of name, email`);
  });
});
