/** Zod issues as findings: what was expected, in an admin's words, and the nearest thing that would have been right. */
import type { z } from 'zod';
import type { Finding } from './finding.ts';
import { configJsonSchema } from './json-schema.ts';
import { type JsonSchema, schemaAt } from './json-schema-node.ts';
import { nearest } from './nearest.ts';
import { isOfAnotherApp } from './other-apps.ts';
import { valueAt } from './problems.ts';

type Issue = z.core.$ZodIssue;

const NOUNS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** @param raw the data that was parsed, to see what stands where something else was expected */
export function findingsOf(issues: readonly Issue[], raw: unknown): Finding[] {
  const schema = configJsonSchema();
  return issues.flatMap((issue) => explain(issue, raw, schema));
}

/** Whether the issue is that text stands where a number or a boolean belongs. */
export function wantsScalar(issue: Issue): 'number' | 'boolean' | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.expected === 'boolean') return 'boolean';
  return issue.expected === 'number' || issue.expected === 'int' ? 'number' : undefined;
}

function explain(issue: Issue, raw: unknown, schema: JsonSchema): Finding[] {
  const { path } = issue;
  const at = schemaAt(schema, path);
  switch (issue.code) {
    case 'custom':
      return [{ path, message: issue.message, ...(issue.params as Pick<Finding, 'mend' | 'subject'>) }];
    case 'invalid_key':
      return issue.issues
        .flatMap((inner) => explain(inner, raw, schema))
        .map((it) => ({ ...it, path, subject: 'key' }));
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], at, schema));
    case 'invalid_value':
      return [notOneOf(path, issue.values.map(String), valueAt(raw, path))];
    case 'invalid_type':
      return [
        { path, ...wrongType(NOUNS[wholeNumber(at) ? 'int' : issue.expected] ?? issue.expected, valueAt(raw, path)) },
      ];
    case 'invalid_union': {
      // A union in the schema carries its message and its mend in one text.
      const [message = '', mend] = issue.message.split(/; (.*)/s);
      if (mend !== undefined) return [{ path, message, mend }];
      return meant(issue.errors).flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] }, raw, schema));
    }
    case 'too_small':
      if (issue.origin === 'array')
        return [{ path, message: 'is an empty list', mend: 'write an item, or delete the key', subject: 'none' }];
      if (issue.origin === 'string')
        return [{ path, message: 'is empty', mend: 'write some text, or delete the key', subject: 'none' }];
      return [{ path, message: `is less than ${issue.minimum}`, mend: range(at) }];
    case 'too_big':
      if (issue.origin === 'string')
        return [{ path, message: `is longer than ${issue.maximum} characters`, mend: 'shorten it', subject: 'none' }];
      return [{ path, message: `is more than ${issue.maximum}`, mend: range(at) }];
    default:
      return [
        { path, message: `is not valid (${issue.code})`, mend: 'compare it with the examples in config/examples' },
      ];
  }
}

/** Of several forms that a value could have had, the issues of the one that it comes nearest to. */
function meant(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  // what is wrong is in it: it is of that form as a whole
  const within = forms.find((issues) => issues.every(({ path }) => path.length > 0));
  const typed = forms.find((issues) => issues.every(({ code }) => code !== 'invalid_type'));
  return within ?? typed ?? forms[0] ?? [];
}

/** Keys that are somewhere else now, by the last two parts of their path. */
const MOVED: ReadonlyMap<string, string> = new Map([
  ['timeouts.tools', 'give each tool its time in `items`: items: { tools: { build: { timeout: 30m } } }'],
]);

function unknownKey(path: PropertyKey[], at: JsonSchema | undefined, schema: JsonSchema): Finding {
  const key = String(path.at(-1));
  const known = Object.keys(at?.properties ?? {}).filter((name) => name !== '$schema');
  const close = nearest(key, known);
  const home = Object.entries(schema.properties ?? {}).find(([, { properties }]) =>
    Object.hasOwn(properties ?? {}, key),
  );
  const moved = MOVED.get(path.slice(-2).join('.'));
  if (moved !== undefined) return { path, message: 'is no key any more', mend: moved, subject: 'none' };
  const mend = isOfAnotherApp(path)
    ? 'it belongs to another app; `patchbay import FILE` takes its files over, and says what of them it cannot'
    : close !== undefined
      ? `did you mean \`${close}\`?`
      : home !== undefined
        ? `it belongs in \`${home[0]}\``
        : `the keys here are ${known.join(', ')}`;
  return { path, message: 'unknown key', mend, subject: 'none' };
}

function notOneOf(path: PropertyKey[], values: string[], found: unknown): Finding {
  const close = typeof found === 'string' ? nearest(found, values) : undefined;
  const mend =
    close === undefined ? `write ${values.length === 1 ? values[0] : 'one of them'}` : `did you mean "${close}"?`;
  return { path, message: values.length === 1 ? `is not ${values[0]}` : `is not one of ${values.join(', ')}`, mend };
}

function wrongType(noun: string, found: unknown): Pick<Finding, 'message' | 'mend'> {
  const message = `is not ${noun}`;
  if (noun === 'text' && typeof found === 'boolean') return { message, mend: `put it in quotes: "${found}"` };
  // which may be a secret
  if (noun === 'text' && typeof found === 'number') return { message, mend: 'put it in quotes' };
  if (noun === 'text' && found === null) return { message, mend: 'write a value, in quotes if it is the word null' };
  const quoted = typeof found === 'string' && found.trim() !== '' && Number.isFinite(Number(found));
  if (noun.endsWith('number') && quoted) return { message, mend: 'write it without quotes' };
  const mends: Record<string, string> = {
    text: 'write text',
    'a list': 'write it as [first, second], or as lines that start with "- "',
    'a mapping': 'write it as lines of the form `key: value`',
  };
  return { message, mend: mends[noun] ?? `write ${noun}` };
}

function wholeNumber(at: JsonSchema | undefined): boolean {
  return [at?.type].flat().includes('integer');
}

function range(at: JsonSchema | undefined): string {
  const { minimum, maximum } = at ?? {};
  const unbounded = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER;
  return unbounded ? `write ${minimum} or more` : `write a whole number from ${minimum} to ${maximum}`;
}
