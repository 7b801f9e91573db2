/** Whom a command is asked about: the principal that a token with these facts would make. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiKey, allKeys } from '../auth/api-key-store.ts';
import { KEYS_ISSUER } from '../auth/api-keys.ts';
import { principalOf } from '../auth/principal.ts';
import { readUsers } from '../auth/users-file.ts';
import type { Config } from '../config/schema.ts';
import type { Principal } from '../protocol/call.ts';
import { FILE, openFile, StorageProblem } from '../storage/open.ts';
import { CommandProblem, findPlaces } from './places.ts';

export interface WhoOptions {
  /** The config files. */
  readonly config: readonly string[];
  /** A user, or the name of an API key. */
  readonly as?: string;
  readonly group?: readonly string[];
  readonly scope?: readonly string[];
  readonly client?: string;
  readonly issuer?: string;
  /** Each `name=value`. */
  readonly claim?: readonly string[];
}

/**
 * Of users of the file and of API keys, what is not given is taken from there.
 * @throws CommandProblem for what cannot be read
 */
export function askedAbout(options: WhoOptions, { auth: { mode } }: Config): Principal {
  const subject = options.as ?? (mode.includes('none') ? 'anonymous' : '');
  const known = mode.includes('none') || subject === '' ? {} : knownOf(subject, options.config, mode);
  return principalOf({
    issuer: options.issuer ?? known.issuer ?? '',
    subject,
    clientId: options.client,
    scopes: options.scope ?? known.scopes ?? [],
    groups: options.group ?? known.groups ?? [],
    claims: claimsOf(options.claim ?? []),
  });
}

type Known = Partial<Pick<ApiKey, 'groups' | 'scopes'>> & { readonly issuer?: string };

function knownOf(name: string, config: readonly string[], mode: Config['auth']['mode']): Known {
  const { users, folder } = findPlaces(config);
  const user = mode.includes('embedded') && users !== undefined ? readUsers(users).get(name.toLowerCase()) : undefined;
  if (user) return { groups: user.groups };
  const key = mode.includes('apiKeys') && folder !== undefined ? keyNamed(name, folder) : undefined;
  return key ? { groups: key.groups, scopes: key.scopes, issuer: KEYS_ISSUER } : {};
}

function keyNamed(name: string, folder: string): ApiKey | undefined {
  if (!existsSync(join(folder, FILE))) return undefined;
  try {
    const { db } = openFile(folder);
    try {
      return allKeys(db).find((key) => key.name === name);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof StorageProblem) throw new CommandProblem(error.message);
    throw error;
  }
}

function claimsOf(given: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const claims = new Map<string, string[]>();
  for (const text of given) {
    const at = text.indexOf('=');
    if (at < 1) throw new CommandProblem(`--claim ${text} is no claim; write name=value`);
    const name = text.slice(0, at);
    claims.set(name, [...(claims.get(name) ?? []), text.slice(at + 1)]);
  }
  return claims;
}
