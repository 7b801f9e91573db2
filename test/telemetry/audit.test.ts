import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { AUDIT_EVENTS, auditTo } from '../../src/telemetry/audit.ts';

function trail() {
  const lines: Record<string, unknown>[] = [];
  const audit = auditTo(
    pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
  );
  return { lines, audit };
}

describe('the audit trail', () => {
  test('has one line for each event, with what is known', () => {
    const { lines, audit } = trail();
    audit('sign-in', {
      user: 'ann',
      client: 'https://app.example.com/client.json',
      address: '192.0.2.1',
      scopes: ['mcp'],
      resource: undefined,
    });
    expect(lines).toEqual([
      {
        ...{ level: 30, audit: 'sign-in', msg: 'sign-in', user: 'ann', address: '192.0.2.1', scopes: ['mcp'] },
        client: 'https://app.example.com/client.json',
      },
    ]);
  });

  test('shows no secrets, by their names or by their looks, however deep they are', () => {
    const { lines, audit } = trail();
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl';
    const key = `pbk_0123456789ab_${'0'.repeat(64)}`;
    audit('refused', {
      ...{
        token: 'hunter2',
        access_token: 'hunter2',
        refreshToken: 'hunter2',
        client_secret: 'hunter2',
        code: 'hunter2',
      },
      ...{
        password: 'hunter2',
        Authorization: 'hunter2',
        code_verifier: 'hunter2',
        'set-cookie': 'hunter2',
        csrf: 'hunter2',
      },
      deep: { er: { password: 'hunter2', still: { deeper: 'hunter2' } } },
      reason: `no good: ${key}, ${jwt}, Bearer hunter2hunter2 and scrypt$32768$8$3$aaa$hunter2`,
      list: [jwt, { token: 'hunter2' }],
    });
    const text = JSON.stringify(lines);
    expect(lines).toHaveLength(1);
    for (const secret of ['hunter2', key, jwt]) expect(text).not.toContain(secret);
    expect(text).toContain('no good: [redacted]');
  });

  test('keeps one line one line, and a long text short', () => {
    const { lines, audit } = trail();
    audit('sign-in failed', {
      user: `ann\n{"audit":"sign-in"}${'x'.repeat(10_000)}`,
      list: Array.from({ length: 1_000 }, String),
    });
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines).length).toBeLessThan(1_500);
  });
});

test('docs/audit.md has every event', () => {
  const text = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z -]+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual([...AUDIT_EVENTS]);
});
