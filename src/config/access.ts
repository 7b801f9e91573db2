/** Schema of the sections `profiles` and `policy`: what clients see at which URL, and who may use what. */
import { z } from 'zod';
import { issue, text } from './fields.ts';
import * as is from './text.ts';

const globs = z.array(text(is.glob)).min(1);
const items = z.array(text(is.itemGlob)).min(1);

/** Kinds of items; `resources` are those with a URI template as well. */
export const RULE_KINDS = ['tools', 'prompts', 'resources'] as const;

const profile = z
  .strictObject({
    title: z.string().min(1).optional().describe('What people are shown as its name. Default: Patchbay.'),
    instructions: z
      .string()
      .min(1)
      .optional()
      .describe('What clients tell their model of it, in place of what its upstreams say of themselves.'),
    include: items
      .optional()
      .describe('What is in it: upstream/item by upstream name, such as docs/*; * is any text. Default: everything.'),
    exclude: items.optional().describe('What is not in it although it is included.'),
    scopes: z
      .array(text(is.scope))
      .default([])
      .describe('What every token must have here, beside auth.scopes.required.'),
  })
  .nullable()
  .transform((value) => value ?? { scopes: [] });

/** Profiles by name. */
export const profilesSchema = z
  .record(text(is.profileName, is.PROFILE_NAME.source), profile)
  .nullish()
  .transform((value) => value ?? {});

const who = {
  users: globs.optional().describe('Users: the subject of their token, the name of an API key, or anonymous.'),
  groups: globs.optional().describe('Groups that they are in.'),
  clients: globs.optional().describe('Ids of the clients that they use.'),
  issuers: globs.optional().describe('Issuers of their tokens; patchbay:keys for API keys.'),
  scopes: globs.optional().describe('Scopes that their token has.'),
  claims: z
    .record(z.string().min(1), globs)
    .optional()
    .describe('Claims of their token, each with the values that will do: { department: [sales, "it-*"] }.'),
  profiles: globs.optional().describe('Profiles that they have connected to; /mcp is default.'),
};

const unless = z.strictObject(who).superRefine((value, ctx) => {
  if (Object.keys(value).length > 0) return;
  ctx.addIssue(issue({ message: 'says nobody', mend: 'name users, groups or others, or delete it', subject: 'none' }));
});

const rule = z
  .strictObject({
    name: z.string().min(1).max(100).optional().describe('What the audit trail and `patchbay explain` call it.'),
    allow: items.optional().describe('What they may use: upstream/item by upstream name; * is any text.'),
    deny: items.optional().describe('What they may not use, whatever other rules allow.'),
    kinds: z.array(z.enum(RULE_KINDS)).min(1).optional().describe('Kinds of items it is about; default: all.'),
    readOnly: z
      .boolean()
      .optional()
      .describe('Only tools that say they change nothing (readOnlyHint); false: only the others. Absent is false.'),
    destructive: z
      .boolean()
      .optional()
      .describe(
        'Only tools that may destroy something (destructiveHint, where not read-only); false: only the others. Absent is true.',
      ),
    idempotent: z
      .boolean()
      .optional()
      .describe(
        'Only tools for which twice is as good as once (idempotentHint, or read-only); false: only the others.',
      ),
    openWorld: z
      .boolean()
      .optional()
      .describe('Only tools that reach into an open world (openWorldHint); false: only the others. Absent is true.'),
    ...who,
    unless: unless.optional().describe('Whom it is not about, in the same words.'),
  })
  .superRefine(({ allow, deny }, ctx) => {
    if ((allow === undefined) !== (deny === undefined)) return;
    const [message, mend] =
      allow === undefined
        ? ['neither allows nor denies anything', 'give it `allow` or `deny` with a list of items, such as [docs/*]']
        : ['has both `allow` and `deny`', 'make it two rules'];
    ctx.addIssue(issue({ message, mend, subject: 'none' }));
  });

/** The policy; without one everyone may use everything. */
export const policySchema = z.array(rule).min(1).nullish();

export type ProfileSection = z.output<typeof profilesSchema>[string];
export type RuleSection = NonNullable<z.output<typeof policySchema>>[number];
