/** The errors table, its documentation and its use in the code, held together. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { code, type ErrorName, errors, Fault } from '../src/errors.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const names = Object.keys(errors) as ErrorName[];

interface DocRow {
  readonly name: string;
  readonly code: number;
  readonly status: number;
  readonly text: string;
  readonly mend: string;
}

/** The rows of the tables under each heading of docs/errors.md. */
function documented(): Map<string, DocRow[]> {
  const sections = new Map<string, DocRow[]>();
  let rows: DocRow[] = [];
  for (const line of read('docs/errors.md').split('\n')) {
    const heading = /^## (.+)$/.exec(line)?.[1];
    if (heading !== undefined) {
      rows = [];
      sections.set(heading, rows);
    }
    const cells = line.split('|').map((cell) => cell.trim());
    if (cells.length !== 7 || cells[1] === 'name' || cells[1]?.startsWith('---')) continue;
    const [, name = '', code, status, text = '', mend = ''] = cells;
    rows.push({ name, code: Number(code), status: Number(status), text, mend });
  }
  return sections;
}

const sections = documented();
const rows = [...sections.values()].flat();

describe('docs/errors.md', () => {
  test('has the rows of the table, all of them, in its order', () => {
    expect(rows.map((row) => row.name)).toEqual(names);
  });

  test.each(rows)('$name: code, status and text are those of the table', ({ name, code, status, text }) => {
    expect({ code, status, text }).toEqual({ ...errors[name as ErrorName] });
  });

  test.each(rows)('$name: says what to do, in a sentence', ({ mend }) => {
    expect(mend).toMatch(/^[A-Z0-9].{10,}\.$/);
  });

  test('tells what is refused at the door from what is answered in band', () => {
    for (const { name, status } of sections.get('Refused at the door')!)
      expect(status, name).toBeGreaterThanOrEqual(400);
    for (const { name, status } of sections.get('Answered to a request')!) expect(status, name).toBe(200);
    expect(sections.size).toBe(2);
  });
});

describe('the table', () => {
  test('mints no code of its own in the range that belongs to the protocol', () => {
    const known = new Set<number>([...Object.values(code), -32020]);
    for (const name of names) expect(known, name).toContain(errors[name].code);
  });

  test('names only settings that exist', () => {
    const settings = settingsIn(JSON.parse(read('config/patchbay.schema.json')) as Schema);
    const named = rows.flatMap(({ name, text, mend }) =>
      [...`${text} ${mend}`.matchAll(/\b(server|sessions|names|lists|timeouts)\.([a-zA-Z.]+[a-zA-Z])/g)].map((m) => [
        name,
        m[0],
      ]),
    );
    expect(named.length).toBeGreaterThan(5);
    for (const [name, setting] of named) expect(settings, name).toContain(setting!.split('.').slice(-2).join('.'));
  });

  const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'errors.ts')
    .map((file) => read(`src/${file}`));

  test.each(names)('%s is answered somewhere', (name) => {
    expect(sources.some((text) => text.includes(`'${name}'`))).toBe(true);
  });

  test('every place that makes a fault fills its text', () => {
    const made = sources.flatMap((text) => [
      ...text.matchAll(/new Fault\(\s*'(\w+)'(?:,\s*\{([^}]*(?:\}[^}]*)*?)\}\s*,?\s*[,)])?/g),
    ]);
    expect(made.length).toBeGreaterThan(25);
    for (const [whole, name, details = ''] of made) {
      const needed = [...errors[name as ErrorName].text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!);
      for (const key of needed) expect(details, whole).toMatch(new RegExp(`(^|[\\s,{])${key}\\s*(,|:|$)`));
    }
  });
});

describe('a fault', () => {
  test('has the code, status and filled text of its row', () => {
    const fault = new Fault('upstreamTimeout', {
      upstream: 'docs',
      method: 'tools/call',
      ms: 250,
      knob: 'timeouts.call',
    });
    expect(fault).toBeInstanceOf(Error);
    expect(fault).toMatchObject({ fault: 'upstreamTimeout', code: -32603, status: 200, data: undefined });
    expect(fault.message).toBe(
      'Upstream docs did not answer tools/call within 250 ms (timeouts.call); the request was cancelled there',
    );
  });

  test('carries data for the answer, and details that stay here', () => {
    const fault = new Fault('unknownResource', { uri: 'a:b' }, { uri: 'a:b' });
    expect([fault.data, fault.details]).toEqual([{ uri: 'a:b' }, { uri: 'a:b' }]);
  });

  test('does not fill twice, so that a detail cannot pull in another', () => {
    const fault = new Fault('upstreamUnavailable', { upstream: '{detail}', detail: '{upstream}' });
    expect(fault.message).toBe('Upstream {detail} is not available: {upstream}');
  });

  test('takes details for text, whatever replacement patterns they hold', () => {
    expect(new Fault('unknownTool', { name: "$& $1 $' $$" }).message).toBe("Unknown tool: $& $1 $' $$");
  });

  test('shortens long details', () => {
    const { message } = new Fault('unknownTool', { name: 'x'.repeat(1_000) });
    expect(message).toBe(`Unknown tool: ${'x'.repeat(300)}…`);
  });

  test('fills from what it is given, not from what every object has', () => {
    expect(new Fault('unknownTool', {}).message).toBe('Unknown tool: {name}');
    expect(new Fault('unknownTool', Object.create({ name: 'inherited' }) as Record<string, string>).message).toBe(
      'Unknown tool: {name}',
    );
  });
});

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [key: string]: unknown;
}

/** Every setting as `section.key`, wherever the section stands in the schema. */
function settingsIn(schema: Schema): Set<string> {
  const found = new Set<string>();
  const visit = (node: unknown, section: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties } = node as Schema;
    for (const [key, value] of Object.entries(properties ?? {})) {
      found.add(`${section}.${key}`);
      visit(value, key);
    }
    for (const [key, value] of Object.entries(node)) if (key !== 'properties') visit(value, section);
  };
  visit(schema, '');
  return found;
}
