/** YAML text to plain data, with the place of every value in the text. JSON is YAML, so it is read here as well. */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { Finding } from './finding.ts';

export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Absent where it is the main config file, or the only file there is. */
  readonly file?: string;
}

/** A finding about the text itself, which has a place but not always a path. */
export interface TextFinding extends Finding {
  readonly place?: Place;
  /** The file that it is about as a whole, where it has no place and that is not the main one. */
  readonly file?: string;
}

export interface YamlText {
  /** The data; undefined when there are findings, null when the text holds none. */
  readonly value: unknown;
  readonly findings: readonly TextFinding[];
  /** Where the entry at this path starts: the key in a mapping, the item in a list, else its nearest parent. */
  locate(path: readonly PropertyKey[]): Place | undefined;
}

type Doc = ReturnType<typeof parseDocument>;

/** Reads one YAML 1.2 document (core schema, anchors and `<<` merges included). Never throws. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const place = (offset: number): Place => ({ line: lines.linePos(offset).line, column: lines.linePos(offset).col });
  const unread = (found: TextFinding): YamlText => ({ value: undefined, findings: [found], locate: () => undefined });
  let doc: Doc;
  try {
    doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  } catch {
    return unread({ message: 'the file is too complex', mend: 'nest it less deeply', subject: 'none' });
  }
  const locate = (path: readonly PropertyKey[]) => {
    const offset = offsetOf(doc, path);
    return offset === undefined ? undefined : place(offset);
  };
  const findings = [...syntax(doc, text, place), ...structure(doc, place)];
  if (findings.length > 0) return { value: undefined, findings, locate };
  try {
    return { value: doc.toJS(), findings, locate };
  } catch {
    return unread({ message: 'has too many aliases', mend: 'write the repeated values out', subject: 'none' });
  }
}

/** The first syntax error, since the later ones mostly follow from it, and every duplicate key. */
function* syntax(doc: Doc, text: string, place: (offset: number) => Place): Iterable<TextFinding> {
  const first = doc.errors.find((error) => error.code !== 'DUPLICATE_KEY');
  if (first !== undefined) {
    const at = place(first.pos[0]);
    const line = text.split('\n')[at.line - 1] ?? '';
    yield { ...explain(first, line), subject: 'none', place: at };
  }
  for (const { pos } of doc.errors.filter((error) => error.code === 'DUPLICATE_KEY')) {
    const path = pathAt(doc, pos[0]);
    yield {
      path,
      message: 'the key is given twice',
      mend: 'keep one of the two',
      subject: 'none',
      place: place(pos[0]),
    };
  }
  for (const { pos } of doc.warnings.filter((warning) => warning.code === 'TAG_RESOLVE_FAILED')) {
    yield {
      message: 'YAML tags are not known here',
      mend: 'delete the word with "!"',
      subject: 'none',
      place: place(pos[0]),
    };
  }
}

/** After a colon the parser quotes the text; what it quotes may be a secret, so it is cut off. */
function explain(error: YAMLError, line: string): Pick<Finding, 'message' | 'mend'> {
  if (error.code === 'RESOURCE_EXHAUSTION') return { message: 'the file is too complex', mend: 'nest it less deeply' };
  const message = `YAML: ${error.message.replace(/(: |;).*$/s, '').replace(/(?<=escape sequence) .*/s, '')}`;
  if (/[{,[].*\$\{/.test(line))
    return { message, mend: 'inside { } and [ ], put a value with a placeholder in quotes' };
  const mends: Partial<Record<YAMLError['code'], string>> = {
    TAB_AS_INDENT: 'indent with spaces',
    BAD_INDENT: 'line up the keys of one mapping, and close every bracket',
    BLOCK_AS_IMPLICIT_KEY: 'put a value with ": " in it in quotes',
    BAD_SCALAR_START: 'put the value in quotes',
    MISSING_CHAR: 'add it',
    BAD_DQ_ESCAPE: 'write "\\\\" for a backslash, or use single quotes',
    MULTIPLE_DOCS: 'delete the line "---" and what follows it',
  };
  return { message, mend: mends[error.code] ?? 'check the quotes, the brackets and the indentation around here' };
}

/** What is well-formed YAML and yet no plain data. */
function structure(doc: Doc, place: (offset: number) => Place): TextFinding[] {
  const findings: TextFinding[] = [];
  const add = (node: unknown, path: string[], message: string, mend: string) => {
    const offset = rangeOf(node)?.[0];
    findings.push({ path, message, mend, subject: 'none', ...(offset !== undefined && { place: place(offset) }) });
  };
  visit(doc, {
    Pair(_, pair, ancestors) {
      const { key } = pair;
      const path = keysOf([...ancestors, pair]);
      if (!isScalar(key) && key !== null) add(key, keysOf(ancestors), 'a key is not text', 'write it as text');
      else if (keyText(key) === '__proto__') add(key, path, 'this name is reserved', 'choose another one');
    },
    Alias(_, alias, ancestors) {
      const target = alias.resolve(doc);
      const path = keysOf(ancestors);
      if (target === undefined) add(alias, path, 'an alias has no anchor before it', 'put a value with "*" in quotes');
      else if (ancestors.includes(target)) add(alias, path, 'an alias contains itself', 'write the value out');
    },
  });
  return findings;
}

function offsetOf(doc: Doc, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = doc.contents;
  let offset = rangeOf(node)?.[0];
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(doc);
    let start: unknown;
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => keyText(item.key) === String(key));
      [start, node] = [pair?.key, pair?.value];
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      start = node;
    }
    const range = rangeOf(start);
    if (range === undefined) break;
    offset = range[0];
  }
  return offset;
}

/** The keys that lead to the one that starts here. */
function pathAt(doc: Doc, offset: number): string[] {
  let path: string[] = [];
  visit(doc, {
    Pair(_, pair, ancestors) {
      if (rangeOf(pair.key)?.[0] !== offset) return undefined;
      path = keysOf([...ancestors, pair]);
      return visit.BREAK;
    },
  });
  return path;
}

function keysOf(nodes: readonly unknown[]): string[] {
  return nodes.filter((node) => isPair(node)).map(({ key }) => keyText(key));
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function rangeOf(node: unknown): readonly number[] | undefined {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range ?? undefined;
}
