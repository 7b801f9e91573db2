/** `items` of an upstream: how single tools, prompts and resources are shown, called and limited. */
import { z } from 'zod';
import { issue, optionalDuration, optionalSize, section, text } from './fields.ts';
import type { Finding } from './finding.ts';
import * as is from './text.ts';
import { RATE_PATTERN } from './units.ts';

const LIMITS = {
  timeout: optionalDuration('Longest wait for the answer, in place of timeouts.call or timeouts.request.'),
  maxResultSize: optionalSize('Largest result that clients are given; what is larger is answered with an error.'),
  rate: text(is.rate, RATE_PATTERN)
    .optional()
    .describe('How often each principal may use it: calls per time, such as 10/1m.'),
};

const SHOWN = {
  hide: z.boolean().optional().describe('Whether it is not there for clients: neither listed nor usable.'),
  title: z.string().optional().describe('Title that clients see in place of its own.'),
  description: z.string().optional().describe('Description that clients see in place of its own.'),
};

const RENAMED = {
  name: text(is.itemName, is.ITEM_NAME.source)
    .optional()
    .describe('Name that takes the place of its own; the prefix of the upstream comes before it as usual.'),
};

const ARGUMENT_DESCRIPTION = {
  description: z.string().optional().describe('Description that clients see in place of its own.'),
};

const HIDDEN =
  'Value it always has: the argument is hidden from clients, and one of theirs that sends another is refused.';

const toolArgument = z
  .strictObject({ ...ARGUMENT_DESCRIPTION, value: z.unknown().optional().describe(HIDDEN) })
  .superRefine(saysSomething);

const promptArgument = z
  .strictObject({
    ...ARGUMENT_DESCRIPTION,
    value: z.string({ error: 'is not text, which arguments of prompts are; put it in quotes' }).optional(),
  })
  .superRefine(saysSomething);

const argumentsOf = <T extends typeof toolArgument | typeof promptArgument>(argument: T) =>
  z
    .record(z.string().min(1), argument)
    .optional()
    .describe('Arguments, by name: a value fixes and hides one, a description takes the place of its own.');

const tool = section(z.strictObject({ ...SHOWN, ...RENAMED, arguments: argumentsOf(toolArgument), ...LIMITS }));
const prompt = section(z.strictObject({ ...SHOWN, ...RENAMED, arguments: argumentsOf(promptArgument), ...LIMITS }));
const resource = section(z.strictObject({ ...SHOWN, ...LIMITS }));
const template = section(z.strictObject(SHOWN));

/** What may be said of one item, whatever its kind. */
export type ItemSettings = Partial<z.output<typeof tool>>;

const fields = z.strictObject({
  tools: z
    .record(z.string().min(1), tool)
    .prefault({})
    .superRefine(namesOnce)
    .describe('Tools by the names the upstream gives them.'),
  prompts: z
    .record(z.string().min(1), prompt)
    .prefault({})
    .superRefine(namesOnce)
    .describe('Prompts by the names the upstream gives them.'),
  resources: z.record(z.string().min(1), resource).prefault({}).describe('Resources by URI.'),
  resourceTemplates: z.record(z.string().min(1), template).prefault({}).describe('Resource templates by URI template.'),
});

/** Schema of `items`. */
export const itemsSchema = section(fields);

function saysSomething(argument: object, ctx: z.RefinementCtx): void {
  if (Object.keys(argument).length > 0) return;
  ctx.addIssue(
    issue({ message: 'says nothing', mend: 'add `value` to fix it, or `description`, or delete it', subject: 'none' }),
  );
}

/** A name is given to one item, and by one. */
function namesOnce(entries: Readonly<Record<string, ItemSettings>>, ctx: z.RefinementCtx): void {
  const seen = new Map<string, string>();
  for (const [pattern, { name }] of Object.entries(entries)) {
    if (name === undefined) continue;
    for (const found of nameProblems(pattern, name, seen.get(name))) ctx.addIssue(issue(found));
    seen.set(name, pattern);
  }
}

function* nameProblems(pattern: string, name: string, first: string | undefined): Iterable<Finding> {
  const path = [pattern, 'name'];
  if (pattern.includes('*'))
    yield { path, message: 'is given to a pattern', mend: 'give it under the name of one item' };
  else if (first !== undefined)
    yield { path, message: `is given to ${JSON.stringify(first)} as well`, mend: `choose another than "${name}"` };
}
