import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redactor, secretsOf } from '../../src/upstreams/redact.ts';
import type { UpstreamSpec } from '../../src/upstreams/spec.ts';
import { httpSpec, nodeProcess, startedSpec, stdioSpec } from './specs.ts';

const masked = (secrets: readonly string[], line: string, limit = 2_000): string =>
  new Redactor(secrets).line(Buffer.from(line), limit);

describe('a secret', () => {
  test('is masked wherever it occurs and however often, and nothing else is', () => {
    expect(masked(['hunter2-hunter2'], 'got hunter2-hunter2, sent "hunter2-hunter2"')).toBe(
      'got [redacted], sent "[redacted]"',
    );
    expect(masked(['hunter2-hunter2'], 'hunter2-hunter3 is not it')).toBe('hunter2-hunter3 is not it');
  });

  test('is taken as it is, not as a pattern', () => {
    expect(masked(['a.b*c(d)[e]{2}|^$\\+?/-'], 'x a.b*c(d)[e]{2}|^$\\+?/- y aXbbbc')).toBe('x [redacted] y aXbbbc');
    expect(masked(['........'], 'abcdefgh')).toBe('abcdefgh');
  });

  test('of less than 8 characters is not masked, since it occurs by chance', () => {
    expect(masked(['true', '1234567'], 'true 1234567')).toBe('true 1234567');
    expect(masked(['12345678'], 'id 12345678')).toBe('id [redacted]');
  });

  test('that holds another is masked as a whole', () => {
    expect(masked(['password', 'password-and-more'], 'password-and-more, password')).toBe('[redacted], [redacted]');
  });

  test('of many lines is masked line by line', () => {
    const key = '-----BEGIN KEY-----\r\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n\nend\n';
    expect(masked([key], 'got MIIEvQIBADANBg')).toBe('got [redacted]');
    expect(masked([key], 'kqhkiG9w0BAQEF the end')).toBe('[redacted] the end');
  });

  test('in other letters than those of ASCII is masked', () => {
    expect(masked(['größer-als-größe'], 'ist größer-als-größe!')).toBe('ist [redacted]!');
  });

  test('is masked within JSON, however much its writer escapes', () => {
    const secret = 'a"b\\c/d+e<ö-😀';
    expect(masked([secret], JSON.stringify(secret))).toBe('"[redacted]"');
    const escaped = 'a\\u0022b\\u005Cc\\/d\\u002Be\\u003c\\u00f6\\u002d\\ud83d\\uDE00';
    expect(JSON.parse(`"${escaped}"`)).toBe(secret);
    expect(masked([secret], `{"got":"${escaped}"}`)).toBe('{"got":"[redacted]"}');
    expect(new Redactor([secret]).mask(`{"got":${JSON.stringify(secret)}}`)).toBe('{"got":"[redacted]"}');
  });

  test('does not come through in part, wherever a line is cut', () => {
    const secret = 'QWERTY-ö-UIOP-QWERTY-UIOP';
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(secret, 'x', 'é', '😀 ', '\u001b[31m'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 60 }),
        (parts, limit) => {
          const line = masked([secret], parts.join(''), limit);
          expect(line).not.toMatch(/[QWERTYUIOP-]/);
        },
      ),
    );
  });
});

describe('of what an upstream was given', () => {
  const secrets = (spec: UpstreamSpec): string[] => secretsOf(spec).sort();
  const env = { SHORT: 'debug', KEY: 'sk-0123456789' };

  test('values of 12 characters and more are taken for secrets, of headers and of the environment', () => {
    expect(secrets(stdioSpec(nodeProcess('raw-upstream', [], env)))).toEqual(['sk-0123456789']);
    const headers = { Authorization: 'Bearer abc-def-ghi', 'X-Short': 'en' };
    expect(secrets(httpSpec('http://x/mcp', 'auto', { headers }))).toEqual(['Bearer abc-def-ghi', 'abc-def-ghi']);
    expect(secrets(startedSpec(nodeProcess('raw-upstream', [], env), 'http://x/mcp'))).toEqual(['sk-0123456789']);
  });

  test('what placeholders put in is one, at 8 characters and more', () => {
    const spec = { ...stdioSpec(nodeProcess('raw-upstream')), secrets: ['8-chars!', 'short'] };
    expect(new Redactor(secretsOf(spec)).line(Buffer.from('8-chars! short'), 100)).toBe('[redacted] short');
  });

  test('variables of the gateway that are handed on are, but for those that everyone gets', () => {
    process.env.PATCHBAY_TEST_KEY = 'inherited-secret';
    try {
      const inheritEnv = ['PATH', 'HOME', 'PATCHBAY_TEST_KEY', 'PATCHBAY_TEST_MISSING'];
      expect(secrets(stdioSpec({ ...nodeProcess('raw-upstream'), inheritEnv }))).toEqual(['inherited-secret']);
    } finally {
      delete process.env.PATCHBAY_TEST_KEY;
    }
  });
});
