import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { envOf, linesOf, readGolden, run } from './golden-file.ts';

const folder = new URL('./golden/', import.meta.url);

describe.each(readdirSync(folder).sort())('%s', (name) => {
  const golden = readGolden(readFileSync(new URL(name, folder), 'utf8'));
  const { sections } = golden;
  const outcome = run(golden);

  test('expects something, in sections that are known', () => {
    expect([...sections.keys()].some((section) => /^(problems|warnings|(whole )?config)$/.test(section))).toBe(true);
    for (const section of sections.keys()) {
      expect(section).toMatch(/^(env|file .+|configs|overrides|problems|warnings|config|whole config)$/);
    }
  });

  test('has the problems, warnings and effective values it names', () => {
    expect(outcome.problems).toEqual(linesOf(sections.get('problems')));
    expect(outcome.warnings).toEqual(linesOf(sections.get('warnings')));
    expect(outcome.config).toEqual(expect.arrayContaining(linesOf(sections.get('config'))));
    const whole = sections.get('whole config');
    if (whole !== undefined) expect(outcome.config).toEqual(linesOf(whole));
  });

  test('shows no value of a placeholder', () => {
    const files = [...sections]
      .filter(([section]) => section.startsWith('file ') && !section.includes('.yaml'))
      .map(([, content]) => content.trim());
    const secrets = [...Object.values(envOf(golden)), ...files].filter((value) => value !== '');
    for (const line of [...outcome.problems, ...outcome.warnings]) {
      for (const secret of secrets) expect(line).not.toContain(secret);
    }
  });
});
