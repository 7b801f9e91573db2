/** Whatever is logged, under whatever name it is called a credential: its value does not come out. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSecretName, maskCredentials, withoutSecrets } from '../../src/telemetry/secrets.ts';

const NAMES = [
  ...['Authorization', 'authorization', 'Proxy-Authorization', 'Cookie', 'Set-Cookie', 'DPoP', 'X-API-Key', 'apiKey'],
  ...['Mcp-Session-Id', 'clientSecret', 'client_secret', 'code_verifier', 'access_token', 'refreshToken', 'id_token'],
  ...['registration_access_token', 'subject_token', 'token', 'password', 'newPassword', 'client_assertion', 'code'],
];
const secret = fc
  .string({ unit: fc.constantFrom(...'abcXYZ0189_~.'), minLength: 24, maxLength: 40 })
  .map((text) => `S3cret-${text}`);
const spelled = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom('as it is', 'lower', 'upper'))
  .map(([name, how]) => (how === 'lower' ? name.toLowerCase() : how === 'upper' ? name.toUpperCase() : name))
  // the code of an answer to a sign-in is spelled so; CODE is nothing
  .map((name) => (name === 'CODE' ? 'code' : name));

/** Puts something somewhere into an object that is like those that are logged. */
const around = (inner: unknown): fc.Arbitrary<unknown> =>
  fc.array(fc.constantFrom('member', 'list', 'err', 'headers'), { maxLength: 5 }).map((path) =>
    path.reduce<unknown>((value, how) => {
      if (how === 'list') return [1, value];
      if (how === 'member') return { a: true, b: value };
      if (how === 'headers') return { headers: value, n: 1 };
      return { cause: value };
    }, inner),
  );

describe('members', () => {
  test('of these names never come out, at any depth', () => {
    fc.assert(
      fc.property(
        fc.tuple(spelled, secret, fc.constantFrom('value', 'list', 'object')).chain(([name, text, how]) => {
          const value = how === 'value' || name === 'code' ? text : how === 'list' ? [text] : { value: text };
          return fc.tuple(around({ [name]: value, other: 'stays' }), fc.constant(text));
        }),
        ([logged, text]) => {
          const before = JSON.stringify(logged);
          const line = JSON.stringify(withoutSecrets(logged));
          expect(line).not.toContain(text);
          expect(line).toContain('stays');
          expect(JSON.stringify(logged)).toBe(before);
        },
      ),
    );
  });

  test('headers as names and values in turn, or in pairs', () => {
    expect(withoutSecrets(['Host', 'a', 'Cookie', 'b=c'])).toEqual(['Host', 'a', 'Cookie', '[redacted]']);
    expect(
      withoutSecrets({
        all: [
          ['dpop', 'proof'],
          ['accept', '*/*'],
        ],
      }),
    ).toEqual({
      all: [
        ['dpop', '[redacted]'],
        ['accept', '*/*'],
      ],
    });
  });

  test.each([
    ['progressToken', 7],
    ['tokens', 120],
    ['tokenEndpoint', 'https://idp.example/token'],
    ['code', 'ECONNREFUSED'],
    ['code', 'invalid_type'],
    ['code', -32_000],
    ['codes', 3],
    ['key', 'ab12'],
  ])('%s: %j stays', (name, value) => {
    expect(isSecretName(name, value)).toBe(false);
    const logged = { [name]: value };
    expect(withoutSecrets(logged)).toBe(logged);
  });

  test('an object within itself, and one that is there twice', () => {
    const twice = { token: 'abc' };
    const logged: Record<string, unknown> = { twice, again: twice };
    logged.self = logged;
    expect(withoutSecrets(logged)).toMatchObject({
      twice: { token: '[redacted]' },
      again: { token: '[redacted]' },
      self: '[circular]',
    });
  });
});

describe('texts', () => {
  test('queries and credentials within any text are masked', () => {
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(
          (text: string) => `GET /callback?state=x&code=${text}&iss=https://a.example failed`,
          (text: string) => `redirected to http://127.0.0.1/cb#access_token=${text}&expires_in=5`,
          (text: string) => `refused "Authorization: Bearer ${text}"`,
          (text: string) => `dpop ${text}`,
          (text: string) => `?client_secret=${text}`,
        ),
        (text, spell) => {
          expect(maskCredentials(JSON.stringify({ msg: spell(text) }))).not.toContain(text);
        },
      ),
    );
  });

  test('a compact JWT anywhere', () => {
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl-_';
    expect(maskCredentials(`bad ${jwt}!`)).toBe('bad [redacted]!');
  });

  test.each([
    'a bearer of news',
    'Basic Authentication is off',
    'basic settings',
    'state=1&scope=mcp',
    'https://a.example/?encode=x',
    'code=5 of tool',
  ])('%s stays', (text) => expect(maskCredentials(text)).toBe(text));
});

test('the log itself: members, those of a child, errors with members, messages; and every line is still JSON', () => {
  const script = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, '../../src/telemetry/log.ts'))};
    const log = createLogger({ level: 'info', format: 'json' });
    log.info({ req: { headers: { 'x-api-key': 'LEAK', dpop: 'LEAK' } }, body: { grant_type: 'x', code_verifier: 'LEAK' } }, 'a');
    log.child({ refresh_token: 'LEAK', part: 'child' }).warn({ tokens: 5 }, 'to https://a.example/?code=LEAKLEAK');
    const error = Object.assign(new Error('no: Bearer LEAKLEAK1'), { code: 'ECONNRESET', options: { password: 'LEAK' } });
    log.error({ err: error }, 'b');
    log.error(error);
  `;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  });
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(stderr).not.toContain('LEAK');
  expect(lines).toHaveLength(4);
  expect(lines[1]).toMatchObject({ part: 'child', tokens: 5, level: 'warn' });
  expect(lines[2]).toMatchObject({ err: { code: 'ECONNRESET', type: 'Error' }, msg: 'b' });
});
