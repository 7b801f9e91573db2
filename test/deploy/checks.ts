/** What holds for every config that is handed out, and for the time that a stop is given. */
import { expect } from 'vitest';
import { load, secretsIn } from './files.ts';

/** What holds for a config that is handed out: it loads, without a word of warning, and listens where its image does. */
export function checkConfig(text: string): void {
  const loaded = load(text);
  expect(loaded).toMatchObject({ ok: true, warnings: [] });
  if (!loaded.ok) return;
  expect(loaded.config.server.port).toBe(8080);
  expect(loaded.config.auth.mode).toEqual(['embedded', 'apiKeys']);
  expect(secretsIn(text)).toHaveLength(1);
}

/** Longer than a stop may take: the time for open calls, and that for stopping upstreams. */
export function checkGrace(seconds: number, config: string): void {
  const loaded = load(config);
  if (!loaded.ok) throw new Error('the config does not load');
  const stops = Object.values(loaded.config.upstreams).map(({ timeouts }) => 2 * timeouts.stop);
  expect(seconds * 1000).toBeGreaterThan(loaded.config.server.drainTimeout + Math.max(...stops));
}
