/** Keeps secrets out of what upstreams write: those that they were given, and what looks like one. */
import { INHERITED } from '../config/upstream.ts';
import type { UpstreamSpec } from './spec.ts';

const MASK = '[redacted]';
/** A shorter text occurs by chance, so that masking it would say more than it hides. */
const SHORTEST_SECRET = 8;
/** What an admin wrote out as a header or a variable may be a secret from this length on. */
const SHORTEST_VALUE = 12;

/** Characters of the longest way to spell one, which is `\\u002d`. */
const LONGEST_SPELLING = 6;
/** Characters that have a meaning in a regular expression. */
const SPECIAL = /[\\^$.*+?()[\]{}|]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
const CONTROL = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
const CREDENTIAL =
  /((?:bearer|basic)\s+|(?:token|secret|password|passwd|api[-_]?key|authorization)["']?\s*[=:]\s*["']?(?:(?:bearer|basic|token)\s+)?)[^\s"',;]{6,}/gi;

/** A pattern for a text as it is, and as it is written within JSON, where some writers escape more than they have to. */
const spellings = (text: string): string => text.split('').map(spelling).join('');

function spelling(char: string): string {
  if (/[A-Za-z0-9]/.test(char)) return char;
  const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
  const code = hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  return `(?:${/["\\/]/.test(char) ? '\\\\?' : ''}${char.replace(SPECIAL, '\\$&')}|\\\\u${code})`;
}

export class Redactor {
  readonly #literal: RegExp | undefined;
  /** Bytes that the longest secret may take. */
  readonly #longest: number = 0;

  /** @param secrets texts that are masked wherever they occur; short ones are not */
  constructor(secrets: Iterable<string> = []) {
    // of a text with many lines, such as a key file, each is masked, since what is masked are lines
    const lines = [...secrets].flatMap((secret) => secret.split(/[\r\n]+/)).map((line) => line.trim());
    const texts = [...new Set(lines)].filter((line) => line.length >= SHORTEST_SECRET);
    if (texts.length === 0) return;
    this.#longest = Math.max(...texts.map((text) => LONGEST_SPELLING * text.length));
    // of two that begin at the same place the longer one counts
    const longestFirst = texts.sort((a, b) => b.length - a.length);
    this.#literal = new RegExp(longestFirst.map(spellings).join('|'), 'g');
  }

  /** A text with the secrets masked that are known, and otherwise as it is. */
  mask(text: string): string {
    return this.#literal ? text.replace(this.#literal, MASK) : text;
  }

  /**
   * A line as it may be logged: shortened, without terminal control sequences, secrets masked.
   * @param limit the most characters of the line that are taken
   */
  line(bytes: Buffer, limit: number): string {
    // far enough that a secret which begins within the limit is seen whole
    const text = bytes.toString('utf8', 0, Math.min(bytes.length, 4 * limit + this.#longest));
    return this.#known(text, limit).replace(CONTROL, '').replace(CREDENTIAL, `$1${MASK}`);
  }

  #known(text: string, limit: number): string {
    let out = '';
    let at = 0;
    for (const match of this.#literal ? text.matchAll(this.#literal) : []) {
      if (match.index >= limit) break;
      out += text.slice(at, match.index) + MASK;
      at = match.index + match[0].length;
    }
    return at < limit ? out + text.slice(at, limit) : out;
  }
}

/** The texts that an upstream was given and that may be secrets. */
export function secretsOf({ process: launch, http, secrets }: UpstreamSpec): string[] {
  const written = [...Object.values(launch?.env ?? {}), ...Object.values(http?.headers ?? {})];
  const inherited = (launch?.inheritEnv ?? []).flatMap((name) =>
    INHERITED.includes(name) ? [] : (process.env[name] ?? []),
  );
  const values = [...written, ...inherited].filter((value) => value.length >= SHORTEST_VALUE);
  // a server that is sent `Bearer abc` may well tell of `abc`
  const credentials = values.flatMap((value) => /^(?:bearer|basic|token)\s+(\S+)$/i.exec(value)?.[1] ?? []);
  return [...secrets, ...values, ...credentials];
}
