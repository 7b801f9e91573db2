import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configReference, schemaKeys } from '../../src/config/reference.ts';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

test('the committed reference is the generated one; `npm run schema` writes it', () => {
  expect(page).toBe(configReference());
});

test('it has a row or a heading for every key', () => {
  const keys = schemaKeys().filter((key) => !['$schema', 'mcpServers', 'servers'].includes(key));
  expect(keys.length).toBeGreaterThan(130);
  const missing = keys.filter((key) => {
    const at = key.search(/[.[]/);
    return !page.includes(at < 0 ? `\n## ${key}\n` : `\n| \`${key.slice(at).replace(/^\./, '')}\` |`);
  });
  expect(missing).toEqual([]);
});

test('rows tell type, default, choices and bounds', () => {
  expect(page).toMatch(/\n\| `keepAlive` \| duration \| `20s` \| /);
  expect(page).toMatch(/\n\| `maxBodySize` \| size \| `4MiB` \| Largest request body\. \|\n/);
  expect(page).toMatch(/\n\| `port` \| number \| `8080` \| .* From 0 to 65535\. \|\n/);
  expect(page).toMatch(/\n\| `prefix` \| choice \| `always` \| .* One of always, conflict, never\. \|\n/);
  expect(page).toMatch(/\n\| `\*\.timeouts\.call` \| duration \| `5m` \|/);
});
