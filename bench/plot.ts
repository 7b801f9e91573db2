/**
 * Line plots as SVG, without anything but text: axes that are linear from zero or logarithmic, a legend, and lines that differ
 * in colour, dashes and marks. They have a ground of their own, so that they can be read on light and dark pages.
 */
import { linearScale, logScale, type Scale } from './plot-scale.ts';

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  /** Text of a tick, and of a value in the title of a point. */
  readonly format: (value: number) => string;
  /** Where ticks are; else at round values. */
  readonly ticks?: readonly number[];
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  /** What is to be seen in it, for those who do not see it. */
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
  /** At most as many as there are colours: 4. */
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 420;
/** The frame around the lines. */
const FRAME = { left: 84, right: WIDTH - 28, top: 76, bottom: HEIGHT - 60 };
/** Between the frame and the outermost points. */
const INSET = 18;

const STYLE = `
    text { fill: #24292f; font-size: 13px; }
    .title { font-size: 15px; font-weight: 600; }
    .tick { fill: #57606a; font-size: 12px; }
    .ground { fill: #ffffff; }
    .grid { stroke: #d8dee4; }
    .axis { stroke: #8c959f; }
    path.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .s0 { stroke: #57606a; fill: #57606a; }
    .s1 { stroke: #0550ae; fill: #0550ae; }
    .s2 { stroke: #bc4c00; fill: #bc4c00; }
    .s3 { stroke: #1a7f37; fill: #1a7f37; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .tick { fill: #9da7b3; }
      .ground { fill: #0d1117; }
      .grid { stroke: #262c36; }
      .axis { stroke: #6e7681; }
      .s0 { stroke: #9da7b3; fill: #9da7b3; }
      .s1 { stroke: #58a6ff; fill: #58a6ff; }
      .s2 { stroke: #f0883e; fill: #f0883e; }
      .s3 { stroke: #3fb950; fill: #3fb950; }
    }`;
const DASHES = ['6 4', '', '2 3', '10 3 2 3'];
/** Marks of 9 px about 0,0: circle, square, triangle, diamond. */
const MARKS = [
  'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z',
  'M-4 -4H4V4H-4Z',
  'M0 -5L5 4H-5Z',
  'M0 -5.5L5.5 0L0 5.5L-5.5 0Z',
];
/** Wider than any letter at this size is on average. */
const LETTER = 6.9;

/**
 * @returns a whole SVG file
 * @throws {Error} when there are no points, more lines than colours, or a value that a logarithm does not have
 */
export function draw({ title, description, x, y, series }: Plot): string {
  if (series.length > MARKS.length) throw new Error(`${series.length} lines are more than ${MARKS.length}`);
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new Error(`${title}: there are no points`);
  const across = scaleOf(
    x,
    points.map(([value]) => value),
    FRAME.left + INSET,
    FRAME.right - INSET,
  );
  const up = scaleOf(
    y,
    points.map(([, value]) => value),
    FRAME.bottom,
    FRAME.top + INSET,
  );
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title desc" font-family="ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(description)}</desc>`,
    `<style>${STYLE}\n  </style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    `<text class="title" x="${FRAME.left}" y="28">${escaped(title)}</text>`,
    ...legend(series),
    ...axisAcross(x, across),
    ...axisUp(y, up),
    ...series.flatMap((one, i) => line(one, i, { x, y, across, up })),
    '</svg>',
  ];
  return `${lines.join('\n  ').replace(/\n {2}<\/svg>$/, '\n</svg>')}\n`;
}

function scaleOf(axis: Axis, values: readonly number[], from: number, to: number): Scale {
  return (axis.scale === 'log' ? logScale : linearScale)(values, from, to, axis.ticks);
}

function legend(series: readonly Series[]): string[] {
  let left = FRAME.left;
  return series.flatMap(({ name }, i) => {
    const at = left;
    left += 32 + name.length * LETTER + 16;
    return [
      `<path class="line s${i}"${dashes(i)} d="M${at} 52h26"/>`,
      `<path class="s${i}" transform="translate(${at + 13} 52)" d="${MARKS[i]}"/>`,
      `<text class="key" x="${at + 32}" y="56">${escaped(name)}</text>`,
    ];
  });
}

function axisAcross({ label, format }: Axis, { ticks, at }: Scale): string[] {
  const middle = (FRAME.left + FRAME.right) / 2;
  return [
    ...ticks.flatMap((tick) => [
      `<path class="grid" d="M${at(tick)} ${FRAME.top}V${FRAME.bottom}"/>`,
      `<text class="tick across" x="${at(tick)}" y="${FRAME.bottom + 20}" text-anchor="middle">${escaped(format(tick))}</text>`,
    ]),
    `<path class="axis" d="M${FRAME.left} ${FRAME.bottom}H${FRAME.right}"/>`,
    `<text class="label" x="${middle}" y="${HEIGHT - 16}" text-anchor="middle">${escaped(label)}</text>`,
  ];
}

function axisUp({ label, format }: Axis, { ticks, at }: Scale): string[] {
  const middle = (FRAME.top + FRAME.bottom) / 2;
  return [
    ...ticks.flatMap((tick) => [
      `<path class="grid" d="M${FRAME.left} ${at(tick)}H${FRAME.right}"/>`,
      `<text class="tick up" x="${FRAME.left - 8}" y="${round(at(tick) + 4)}" text-anchor="end">${escaped(format(tick))}</text>`,
    ]),
    `<path class="axis" d="M${FRAME.left} ${FRAME.top}V${FRAME.bottom}"/>`,
    `<text class="label" transform="translate(20 ${middle}) rotate(-90)" text-anchor="middle">${escaped(label)}</text>`,
  ];
}

interface Space {
  readonly x: Axis;
  readonly y: Axis;
  readonly across: Scale;
  readonly up: Scale;
}

function line({ name, points }: Series, i: number, { x, y, across, up }: Space): string[] {
  const path = points.map(([px, py], n) => `${n === 0 ? 'M' : 'L'}${across.at(px)} ${up.at(py)}`).join('');
  return [
    `<path class="line s${i}"${dashes(i)} d="${path}"/>`,
    ...points.map(([px, py]) => {
      const told = `<title>${escaped(`${name}: ${x.format(px)}, ${y.format(py)}`)}</title>`;
      return `<path class="point s${i}" transform="translate(${across.at(px)} ${up.at(py)})" d="${MARKS[i]}">${told}</path>`;
    }),
  ];
}

const dashes = (i: number): string => (DASHES[i] === '' ? '' : ` stroke-dasharray="${DASHES[i]}"`);

const round = (value: number): number => Number(value.toFixed(1));

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
