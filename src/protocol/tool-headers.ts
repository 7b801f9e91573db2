/** `x-mcp-header`: arguments of tools that HTTP requests repeat in `Mcp-Param-*` headers (2026-07-28, Streamable HTTP). */
import { decodeHeaderValue, encodeHeaderValue, withoutBlanks } from './header-value.ts';
import { applyEdits, type Edit, removeMembers } from './json/edit.ts';
import { isObjectAt, isStringAt, type Member, memberOf, members, type Span, textOf } from './json/scan.ts';
import { eachSchema } from './json/schema.ts';
import { valueAt } from './message.ts';

export interface HeaderDecl {
  /** For look-ups: `mcp-param-<x>` in lower case. */
  readonly header: string;
  /** As it is sent: `Mcp-Param-<X>`. */
  readonly name: string;
  /** Where the argument is, from the root of the arguments. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean';
}

/** The `arguments` of a `tools/call`: `at` is where they stand, if they are there. */
export interface Arguments {
  readonly bytes: Buffer;
  readonly at: Span | undefined;
}

const KEY = 'x-mcp-header';
const MARK = Buffer.from(KEY);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TYPES = new Set(['string', 'integer', 'boolean']);
const NO_DECLS: Annotations = { decls: [], problem: undefined };

/**
 * Reads the annotations of a tool.
 * @param tool its JSON text
 * @returns `problem` names the first annotation that is wrong, which makes the tool one that HTTP clients must not use
 */
export function headerDecls(tool: Buffer): Annotations {
  const known = read.get(tool);
  if (known) return known;
  const found = readDecls(tool);
  read.set(tool, found);
  return found;
}

export interface Annotations {
  readonly decls: readonly HeaderDecl[];
  readonly problem: string | undefined;
}

/** Tools are read once. */
const read = new WeakMap<Buffer, Annotations>();

function readDecls(tool: Buffer): Annotations {
  if (tool.indexOf(MARK) < 0) return NO_DECLS;
  const schema = memberOf(members(tool, 0), 'inputSchema');
  if (!schema || !isObjectAt(tool, schema.start)) return NO_DECLS;
  const decls: HeaderDecl[] = [];
  const seen = new Set<string>();
  let problem: string | undefined;
  const wrong = (path: readonly string[], why: string): void => {
    problem ??= `${KEY} at ${path.length === 0 ? 'the root' : path.join('.')} ${why}`;
  };
  const declare = (list: readonly Member[], path: readonly string[], chain: boolean): void => {
    const at = memberOf(list, KEY);
    if (!at) return;
    const name = isStringAt(tool, at.start) ? textOf(tool, at.start, at.end) : '';
    const typeAt = memberOf(list, 'type');
    const type = typeAt && valueAt(tool, typeAt);
    if (!chain || path.length === 0) return wrong(path, 'is not reached through properties alone');
    if (!TOKEN.test(name)) return wrong(path, 'is no header name');
    if (typeof type !== 'string' || !TYPES.has(type)) return wrong(path, 'is not on a string, an integer or a boolean');
    const header = `mcp-param-${name.toLowerCase()}`;
    if (seen.has(header)) return wrong(path, `repeats ${name}`);
    seen.add(header);
    decls.push({ header, name: `Mcp-Param-${name}`, path, type: type as HeaderDecl['type'] });
  };
  eachSchema(tool, schema.start, (list, path, chain) => {
    declare(list, path, chain);
    return true;
  });
  return problem === undefined ? { decls, problem } : { decls: [], problem };
}

/** The headers that go out with a call. */
export function paramHeaders(decls: readonly HeaderDecl[], args: Arguments): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const decl of decls) {
    const text = argumentAt(decl, args);
    if (text !== undefined) headers[decl.name] = encodeHeaderValue(text);
  }
  return headers;
}

/** What is wrong with the headers that came with a call; `undefined` when they say what its arguments say. */
export function checkParamHeaders(
  decls: readonly HeaderDecl[],
  args: Arguments,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined {
  for (const decl of decls) {
    const text = argumentAt(decl, args);
    // there is nothing to compare with: it is not passed on either
    if (text === undefined) continue;
    const raw = headers[decl.header];
    if (raw === undefined) return `${decl.name} is missing`;
    const value = decodeHeaderValue(withoutBlanks(String(raw)));
    if (value === undefined) return `${decl.name} is no proper header value`;
    if (!agrees(decl, value, text)) return `${decl.name} is not the argument ${decl.path.join('.')}`;
  }
  return undefined;
}

/** The tool without any annotation, everything else byte for byte. */
export function withoutAnnotations(tool: Buffer): Buffer {
  const edits: Edit[] = [];
  const schema = memberOf(members(tool, 0), 'inputSchema');
  if (!schema) return tool;
  eachSchema(tool, schema.start, (list) => {
    edits.push(...removeMembers(list, ({ key }) => key === KEY));
    return true;
  });
  return applyEdits(tool, edits);
}

/**
 * The text of an argument; `undefined` when it is not there, null, or neither a text, a number nor a boolean. One of another
 * type than declared has a text as well: what is wrong with it is for the tool to say.
 */
function argumentAt({ path }: HeaderDecl, { bytes, at }: Arguments): string | undefined {
  let place: Span | undefined = at;
  for (const key of path) {
    if (!place || !isObjectAt(bytes, place.start)) return undefined;
    place = memberOf(members(bytes, place.start), key);
  }
  if (!place) return undefined;
  if (isStringAt(bytes, place.start)) return textOf(bytes, place.start, place.end);
  const raw = bytes.toString('utf8', place.start, place.end);
  if (raw === 'null' || raw.startsWith('{') || raw.startsWith('[')) return undefined;
  return integer(raw) ?? raw;
}

/** An integer in plain decimals, however it is spelled as a JSON number; `null` when it is none. */
function integer(raw: string): string | null {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(raw);
  if (!parts) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts;
  let digits = whole + fraction;
  if (!/[1-9]/.test(digits)) return '0';
  const shift = Number(exponent) - fraction.length;
  if (Math.abs(shift) > 400) return null;
  if (shift >= 0) digits += '0'.repeat(shift);
  else {
    const cut = digits.slice(shift);
    if (/[^0]/.test(cut)) return null;
    digits = digits.slice(0, shift);
  }
  return `${sign}${digits.replace(/^0+/, '')}`;
}

function agrees({ type }: HeaderDecl, value: string, text: string): boolean {
  if (value === text) return true;
  const number = type === 'integer' ? integer(value) : null;
  return number !== null && number === integer(text);
}
