import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/telemetry/log.ts';
import { UpstreamHealth } from '../../src/upstreams/health.ts';

const RULES = { failures: 3, firstRetry: 100, maxRetry: 2_000 };
const log = createLogger({ level: 'silent', format: 'json' });
const refused = () => Promise.reject(new Error('refused'));
const fine = () => Promise.resolve('link');

let health: UpstreamHealth;

beforeEach(() => {
  vi.useFakeTimers();
  health = new UpstreamHealth('docs', RULES, log);
});
afterEach(() => {
  vi.useRealTimers();
});

/** The outcome of an attempt, with as much time as it takes. */
async function outcome(attempt: () => Promise<string>): Promise<string> {
  const settled = health.attempt(attempt).catch((error: Error) => error.message);
  await vi.runAllTimersAsync();
  return settled;
}

async function fail(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await outcome(refused);
}

test('nothing is known before the first attempt, and it is up after one that succeeds', async () => {
  expect(health.state).toBe('unknown');
  expect(await outcome(fine)).toBe('link');
  expect(health.state).toBe('up');
});

describe('failures in a row', () => {
  test('are told with their reason', async () => {
    expect(await outcome(refused)).toBe('Upstream docs is not available: refused');
    expect(health.state).toBe('failing');
  });

  test('make the next attempt wait, longer each time', async () => {
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      const began = Date.now();
      await outcome(refused);
      waits.push(Date.now() - began);
    }
    expect(waits[0]).toBe(0);
    expect(waits[1]).toBeGreaterThanOrEqual(75);
    expect(waits[1]).toBeLessThanOrEqual(100);
    expect(waits[2]).toBeGreaterThanOrEqual(150);
    expect(waits[2]).toBeLessThanOrEqual(200);
  });

  test('stop all attempts for a while, and say for how long', async () => {
    await fail(3);
    const attempt = vi.fn(refused);
    expect(await outcome(attempt)).toMatch(/failed 3 times in a row \(refused\); next try in 1 s$/);
    expect(attempt).not.toHaveBeenCalled();
    expect([health.state, health.ok]).toEqual(['down', false]);
    expect(health.retryIn).toBeGreaterThan(250);
  });
});

describe('after a break', () => {
  const overBreak = async () => void (await vi.advanceTimersByTimeAsync(health.retryIn));

  test('one attempt is made, and the others share its fate', async () => {
    await fail(3);
    await overBreak();
    const attempt = vi.fn(refused);
    const others = vi.fn(fine);
    const all = [health.attempt(attempt), health.attempt(others)].map((p) => p.catch((e: Error) => e.message));
    await vi.runAllTimersAsync();
    expect((await Promise.all(all))[1]).toContain('next try in');
    expect([attempt.mock.calls.length, others.mock.calls.length]).toEqual([1, 0]);
  });

  test('one that fails makes the next break longer, up to a limit', async () => {
    await fail(3);
    const breaks: number[] = [];
    for (let i = 0; i < 6; i++) {
      breaks.push(health.retryIn);
      await overBreak();
      await outcome(refused);
    }
    expect(breaks[1]).toBeGreaterThan(breaks[0]!);
    expect(breaks[2]).toBeGreaterThan(breaks[1]!);
    expect(breaks.at(-1)).toBeLessThanOrEqual(2_000);
    expect(breaks.at(-1)).toBeGreaterThanOrEqual(1_500);
  });

  test('one that succeeds ends it', async () => {
    await fail(3);
    await overBreak();
    expect(await outcome(fine)).toBe('link');
    expect([health.state, health.ok, health.retryIn]).toEqual(['up', true, 0]);
  });
});

test('a crash loop is one although every start succeeds', async () => {
  for (let i = 0; i < 3; i++) {
    await outcome(fine);
    health.ended('exited with code 1');
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(await outcome(fine)).toContain('exited with code 1');
  expect(health.state).toBe('down');
});

test('what lived for long has recovered: its end is the first failure', async () => {
  await fail(2);
  await outcome(fine);
  await vi.advanceTimersByTimeAsync(10_000);
  health.ended('exited');
  expect([health.failures, health.ok]).toEqual([1, true]);
});

describe('an open link that gives nothing', () => {
  test('counts until something is answered', async () => {
    await outcome(fine);
    health.silent('no answer');
    health.silent('no answer');
    health.answered();
    health.silent('no answer');
    await vi.runAllTimersAsync();
    expect(health.ok).toBe(true);
  });

  test('stops everything, and an answer that comes after all lets it go on', async () => {
    await outcome(fine);
    for (let i = 0; i < 3; i++) health.silent('no answer');
    await vi.advanceTimersByTimeAsync(1);
    expect(health.ok).toBe(false);
    health.answered();
    expect([health.ok, health.state]).toEqual([true, 'up']);
  });
});

test('many who wait do not come at the same moment', async () => {
  const waits = new Set<number>();
  for (let i = 0; i < 8; i++) {
    health = new UpstreamHealth('docs', RULES, log);
    await fail(3);
    waits.add(Math.round(health.retryIn));
  }
  expect(waits.size).toBeGreaterThan(2);
});
