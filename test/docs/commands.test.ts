/** Every command of the pages is run, in the order of its page, in a folder that looks like a checkout. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findTool } from '../tools.ts';
import { Lab } from './lab.ts';
import { blocks, nameOf, PAGES } from './pages.ts';
import { hasLines } from './quotes.ts';

const PATIENCE = 120_000;

for (const page of PAGES) {
  const own = blocks.filter((block) => block.page === page);
  if (!own.some(({ language, marks }) => language === 'sh' && marks.unchecked === undefined)) continue;
  // programs of the machine that a page may use
  const needs = (['kubectl', 'helm'] as const).filter((tool) =>
    own.some(({ text }) => new RegExp(`^${tool} `, 'm').test(text)),
  );
  const lacks = process.env.CI ? [] : needs.filter((tool) => findTool(tool) === undefined);

  describe(page, () => {
    let lab: Lab;
    let printed = '';
    beforeAll(async () => {
      lab = await Lab.open();
    });
    afterAll(() => lab.close(), PATIENCE);

    for (const block of own) {
      const { language, text, marks } = block;
      if (marks.unchecked !== undefined) continue;
      const skipped = language === 'sh' && lacks.some((tool) => new RegExp(`^${tool} `, 'm').test(text));
      if (skipped) {
        test.skip(`${nameOf(block)} (needs ${lacks})`);
      } else if (marks.file !== undefined) {
        test(`${nameOf(block)}: ${marks.file} is written`, () => lab.write(marks.file!, text));
      } else if (language === 'sh') {
        test(
          nameOf(block),
          async () => {
            if (marks.needs !== undefined) expect(await lab.run(marks.needs)).toMatchObject({ code: 0 });
            const ran = await lab.run(text);
            printed = ran.output;
            expect(ran, ran.output).toMatchObject({ code: Number(marks.exits ?? 0) });
          },
          PATIENCE,
        );
      } else if (marks.logs) {
        test(`${nameOf(block)}: is in the log`, () =>
          vi.waitFor(() => expect(hasLines(lab.log, text), `${text}\n--- in ---\n${lab.log}`).toBe(true), 15_000));
      } else if (marks.prints) {
        test(`${nameOf(block)}: is what was printed`, () => {
          expect(hasLines(printed, lab.placed(text)), `${text}\n--- in ---\n${printed}`).toBe(true);
        });
      }
    }
  });
}
