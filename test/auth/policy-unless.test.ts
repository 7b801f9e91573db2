/** Whom a rule leaves out: each key of `unless` by itself. */
import { describe, expect, test } from 'vitest';
import { Grants } from '../../src/auth/grants.ts';
import { hintsOf, type Item } from '../../src/auth/items.ts';
import { principalOf } from '../../src/auth/principal.ts';
import { Profiles } from '../../src/auth/profiles.ts';
import { deciding } from '../../src/auth/rules.ts';
import { parseConfig } from '../../src/config/load.ts';

const ANN = principalOf({
  issuer: 'https://login.example.com',
  subject: 'ann',
  clientId: 'app',
  scopes: ['write'],
  groups: ['eng'],
  claims: new Map([['department', ['sales']]]),
});
const ITEM: Item = { upstream: 'docs', kind: 'tools', name: 'search', hints: hintsOf({}) };

/** Whether a rule that allows everything to all but these lets ann in, at the profile `default`. */
function allowed(unless: string): boolean {
  const text = `auth: { mode: apiKeys }
upstreams: { docs: { command: run } }
profiles: { research: {} }
policy: [{ allow: ["*"], unless: { ${unless} } }]`;
  const loaded = parseConfig(text, { file: 'patchbay.yaml', env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { profiles, policy, auth } = loaded.config;
  const grant = new Grants(new Profiles(profiles, auth.scopes, '1'), policy).of(ANN, 'default');
  return deciding(grant!.policy!, ITEM)?.effect === 'allow';
}

describe('unless', () => {
  test.each([
    ['users: [ann]', 'users: [bob]'],
    ['groups: [eng]', 'groups: [ops]'],
    ['clients: [app]', 'clients: [desk]'],
    ['issuers: ["https://login.example.com"]', 'issuers: ["https://other.example"]'],
    ['scopes: [write]', 'scopes: [admin]'],
    ['claims: { department: [sales] }', 'claims: { department: [it] }'],
    ['profiles: [default]', 'profiles: [research]'],
  ])('{ %s } leaves her out, { %s } does not', (about, others) => {
    expect([allowed(about), allowed(others)]).toEqual([false, true]);
  });
});
