/** Schema of the `auth` section: who may connect, and how that is found out. */
import { z } from 'zod';
import { duration, section, text } from './fields.ts';
import * as is from './text.ts';

/** Ways to sign in; `none` is the absence of all others. */
export const AUTH_MODES = ['none', 'embedded', 'jwt', 'introspection', 'apiKeys'] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

/** Asymmetric signatures alone: with a shared secret, whoever can check a token could make one. */
export const SIGNATURES = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const scopeName = text(is.scope);
const scopes = z.array(scopeName);
const globs = z.array(text(is.glob)).optional();

const claims = z.strictObject({
  subject: z.string().default('sub').describe('Claim that tells users apart.'),
  scopes: z.string().optional().describe('Claim with the scopes, as text or a list; default: scope, else scp.'),
  client: z.string().optional().describe('Claim with the client; default: client_id, else azp.'),
  tenant: z.string().optional().describe('Claim that tells tenants of one issuer apart, such as tid.'),
  groups: z.string().default('groups').describe('Claim with the groups of the user.'),
});

const audience = z
  .union([text(is.audience).transform((one) => [one]), z.array(text(is.audience)).min(1)])
  .optional()
  .describe('Audiences accepted in tokens, in place of the URL of the endpoint.');

const issuer = text(is.issuerUrl).describe('The issuer, exactly as it calls itself.');

const jwt = z.strictObject({
  issuer,
  jwksUri: text(is.issuerUrl).optional().describe('Where its keys are, when its metadata is not to be asked.'),
  audience,
  algorithms: z
    .array(z.enum(SIGNATURES))
    .min(1)
    .default([...SIGNATURES])
    .describe('Signatures accepted.'),
  types: z
    .array(z.string())
    .min(1)
    .default(['at+jwt', 'JWT'])
    .describe('Values accepted in `typ` of a token; JWT also stands for none. [at+jwt] is the strictest (RFC 9068).'),
  clockSkew: duration('30s', 'How far its clock may be off.', { least: 0 }),
  claims: section(claims).describe('Where to find what in its tokens.'),
});

const DAY = 24 * 3_600_000;

const introspection = z.strictObject({
  issuer,
  endpoint: text(is.issuerUrl).optional().describe('Where tokens are asked for, when its metadata is not to be asked.'),
  clientId: z.string().min(1).describe('Who Patchbay is to it.'),
  clientSecret: z.string().min(1).describe('Its secret for that.'),
  audience,
  cache: duration('30s', 'How long an answer is believed; a revoked token may be used for that long.', { least: 0 }),
  claims: section(claims).describe('Where to find what in its answers.'),
});

const rule = z.strictObject({
  methods: globs.describe('Methods it is about, such as [tools/call]; default: all that name an item.'),
  upstreams: globs.describe('Upstreams it is about; default: all.'),
  items: globs.describe('Tools, prompts or URIs it is about, by upstream name; default: all.'),
  scopes: scopes.min(1).describe('What the token must have.'),
});

const scopeRules = z.strictObject({
  required: scopes.default([]).describe('What every token must have.'),
  rules: z.array(rule).default([]).describe('What is needed beside that, for some items; all rules that fit count.'),
  includes: z
    .record(scopeName, scopes.min(1))
    .default({})
    .describe('Scopes that stand for others as well: { admin: [read, write] }.'),
});

const federation = z.strictObject({
  issuer: text(is.issuerUrl).describe('The OpenID provider that signs users in, such as https://accounts.google.com.'),
  clientId: z.string().min(1).describe('Who Patchbay is to it; its redirect URI is <publicUrl>/oauth/federation.'),
  clientSecret: z.string().min(1).optional().describe('Its secret for that.'),
  scopes: scopes.default(['openid', 'email', 'profile']).describe('What it is asked for.'),
  name: z.string().min(1).optional().describe('What the sign-in page calls it; default: the name of its host.'),
  domains: z
    .array(text(is.hostHeader))
    .default([])
    .describe('E-mail domains whose users are let in; none: everyone whom the provider lets in.'),
  verifiedClaim: z
    .string()
    .min(1)
    .default('email_verified')
    .describe('Claim that is true when the address is known to be that of the user; domains count for those alone.'),
  trustEmail: z
    .boolean()
    .default(false)
    .describe('Take each address for verified. Only for a provider that gives addresses to nobody but their owners.'),
  groups: z
    .string()
    .default('groups')
    .describe('Claim with the groups of the user, of ID tokens or the userinfo endpoint.'),
  maxAge: duration(
    '14d',
    'How long somebody is believed to be there still who has not signed in at the provider again.',
  ),
});

const registration = z.strictObject({
  dynamic: z.boolean().default(true).describe('Let clients register themselves (RFC 7591).'),
  documents: z.boolean().default(true).describe('Let clients name themselves by the URL of a metadata document.'),
  maxClients: z.int().min(1).default(1_000).describe('Most registered clients kept; unused ones make room.'),
});

const embedded = z.strictObject({
  users: text(is.folder)
    .optional()
    .describe(
      'File with the users; a relative path starts in the folder of the config file. Default: users.yaml in storage.folder.',
    ),
  passwords: z.boolean().default(true).describe('Let the users of that file sign in with their passwords.'),
  accessToken: duration('10m', 'How long an access token is good, 24h at most.', { most: DAY }),
  refreshToken: duration('14d', 'How long a client that is not used stays signed in.'),
  browser: duration('12h', 'How long a browser stays signed in.'),
  registration: section(registration).describe('How clients make themselves known.'),
  federation: federation.optional().describe('A provider of the company that signs users in.'),
});

const limit = (preset: number, what: string) =>
  z.int().min(0).max(1_000_000_000).default(preset).describe(`${what}; 0 sets no limit.`);

const limits = z.strictObject({
  calls: limit(30_000, 'Most requests of one principal in a minute'),
  failures: limit(300, 'Most requests without a good token from one address in a minute'),
  signIn: limit(600, 'Most requests from one address in a minute to where clients and people sign in'),
  registrations: limit(100, 'Most clients that register themselves from one address in an hour'),
});

/** What the section parses to. */
export const authSchema = z.strictObject({
  mode: z
    .union([z.enum(AUTH_MODES).transform((one) => [one]), z.array(z.enum(AUTH_MODES)).min(1)])
    .default(['none'])
    .describe(
      'How clients sign in. none: not at all. embedded: at Patchbay itself. jwt and introspection: at the issuers named below. apiKeys: with a key from `patchbay key create`. Several make a list.',
    ),
  insecure: z
    .boolean()
    .default(false)
    .describe(
      'Allow mode none on a host that other machines can reach, because something in front checks who connects; and, for a try, the sign-in of Patchbay without https.',
    ),
  scopes: section(scopeRules).describe('What tokens must be good for.'),
  jwt: z.array(jwt).default([]).describe('Issuers of tokens that are checked here, by their signature.'),
  introspection: z.array(introspection).default([]).describe('Issuers that are asked about each token (RFC 7662).'),
  embedded: section(embedded).describe('The sign-in of Patchbay itself.'),
  limits: section(limits).describe('How often something may be asked. Mode none has no limits.'),
  allowAddresses: z
    .array(text(is.network))
    .default([])
    .describe('Addresses in private networks that metadata and keys may be fetched from, such as 10.1.0.0/16.'),
});

/** The section as it parses. */
export type AuthSection = ReadonlyDeep<z.output<typeof authSchema>>;

type ReadonlyDeep<T> = T extends object ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> } : T;
