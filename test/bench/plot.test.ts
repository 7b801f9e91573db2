/** The pictures of the benchmarks: well-formed, marks where they belong, nothing cut off or on top of each other. */
import { expect, test } from 'vitest';
import { drawCurves } from '../../bench/curve-report.ts';
import { draw, type Plot } from '../../bench/plot.ts';
import { linearScale, logScale } from '../../bench/plot-scale.ts';
import { describeInBrowser, type Page } from '../browser/chromium.ts';

const plain = { label: 'x', format: String };
const PLOT: Plot = {
  title: 'A & B < "C"',
  description: 'what is > to be seen',
  x: { ...plain, scale: 'log', ticks: [1, 10, 100] },
  y: { ...plain, scale: 'linear' },
  series: [
    {
      name: 'one & <two>',
      points: [
        [1, 20],
        [10, 40],
        [100, 30],
      ],
    },
  ],
};

test('a linear axis begins at zero and ends at a round value', () => {
  const scale = linearScale([3, 37], 300, 100);
  expect(scale.ticks).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40]);
  expect([scale.at(0), scale.at(20), scale.at(40)]).toEqual([300, 200, 100]);
});

test('decades of a logarithmic axis are of one length, and few of them are divided', () => {
  const wide = logScale([30, 20_000], 0, 400);
  expect(wide.ticks).toEqual([10, 100, 1_000, 10_000, 100_000]);
  expect(wide.ticks.map(wide.at)).toEqual([0, 100, 200, 300, 400]);
  expect(logScale([30, 150], 0, 100).ticks).toEqual([20, 50, 100, 200]);
});

test('what cannot be drawn is refused', () => {
  const empty = { ...PLOT, series: [{ name: 'none', points: [] }] };
  expect(() => draw(empty)).toThrow('no points');
  const zero = { ...PLOT, series: [{ name: 'zero', points: [[0, 1]] as const }] };
  expect(() => draw(zero)).toThrow('positive');
  expect(() => draw({ ...PLOT, series: Array.from({ length: 5 }, () => PLOT.series[0]!) })).toThrow('5 lines');
});

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Shows a picture and gives where its elements are, in px of the picture. */
async function boxesOf(page: Page, svg: string): Promise<(selector: string) => Promise<Box[]>> {
  const fault = await page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
    return parsed.querySelector('parsererror')?.textContent ?? undefined;
  }, svg);
  expect(fault).toBeUndefined();
  await page.setViewportSize({ width: 720, height: 420 });
  await page.setContent(`<body style="margin:0">${svg}</body>`);
  return (selector) =>
    page.$$eval(selector, (all) =>
      all.map((one) => {
        const { left, right, top, bottom } = one.getBoundingClientRect();
        return { text: one.textContent ?? '', left, right, top, bottom };
      }),
    );
}

const middle = (from: number, to: number): number => (from + to) / 2;

describeInBrowser('a picture in a browser', (open) => {
  test('has its marks where ticks of the axes cross, and says what they are', async () => {
    const boxes = await boxesOf(await open(), draw(PLOT));
    const points = await boxes('.point');
    expect(points.map(({ text }) => text)).toEqual([
      'one & <two>: 1, 20',
      'one & <two>: 10, 40',
      'one & <two>: 100, 30',
    ]);
    const across = await boxes('.tick.across');
    const up = await boxes('.tick.up');
    for (const point of points) {
      const [, x, y] = /: (\d+), (\d+)$/.exec(point.text)!;
      const below = across.find(({ text }) => text === x)!;
      const beside = up.find(({ text }) => text === y)!;
      expect(Math.abs(middle(point.left, point.right) - middle(below.left, below.right))).toBeLessThan(1);
      expect(Math.abs(middle(point.top, point.bottom) - middle(beside.top, beside.bottom))).toBeLessThan(2);
    }
  });

  test('has all that is written inside, and nothing on top of something else', async () => {
    const page = await open();
    const series = (names: readonly string[], values: readonly number[]) =>
      names.map((name, i) => ({ name, cpuUs: values.map((value) => value * (i + 1)) }));
    const ratio = { of: '', to: '', medians: [1, 1, 1] };
    const [proxy, own] = ['byte proxy', 'Patchbay'];
    const files = drawCurves({
      curves: [
        { name: 'payload', at: [1e3, 1e5, 1e7], series: series([proxy, own, 'SDK gateway'], [70, 300, 40_000]), ratio },
        {
          name: 'tools',
          at: [10, 1_000, 5_000],
          series: series([`${proxy}, call`, `${proxy}, list`, `${own}, call`, `${own}, list`], [80, 82, 2_000_000]),
          ratio,
        },
        { name: 'sessions', at: [1, 10, 1_000], series: series([proxy, own], [70, 70, 1_034]), ratio },
      ],
    });
    expect(files.map(([file]) => file)).toEqual(['payload.svg', 'tools.svg', 'sessions.svg']);
    for (const [, svg] of files) {
      const texts = await (await boxesOf(page, svg))('svg text');
      expect(texts.length).toBeGreaterThan(8);
      for (const [i, one] of texts.entries()) {
        expect(one.left >= 0 && one.right <= 720 && one.top >= 0 && one.bottom <= 420, one.text).toBe(true);
        for (const other of texts.slice(i + 1)) {
          const apart =
            one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
          expect(apart, `${one.text} and ${other.text}`).toBe(true);
        }
      }
    }
  });

  test('can be read where pages are light and where they are dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme });
      await boxesOf(page, draw(PLOT));
      const brightness = (selector: string, part: 'fill' | 'stroke') =>
        page.$eval(
          selector,
          (one, which) => {
            const [red = 0, green = 0, blue = 0] = getComputedStyle(one)[which].match(/\d+/g)!.map(Number);
            return 0.3 * red + 0.6 * green + 0.1 * blue;
          },
          part,
        );
      const ground = await brightness('.ground', 'fill');
      expect(ground > 128).toBe(colorScheme === 'light');
      for (const selector of ['.title', '.tick', '.key', '.point'])
        expect(Math.abs((await brightness(selector, 'fill')) - ground), selector).toBeGreaterThan(80);
      expect(await page.$eval('path.line', (one) => getComputedStyle(one).fill)).toBe('none');
    }
  });
});
