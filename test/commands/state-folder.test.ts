import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { stateFolder } from '../../src/commands/state-folder.ts';

const at = (setting: string | undefined, env: Record<string, string> = {}, config = '/etc/patchbay/patchbay.yaml') =>
  stateFolder(setting, { env, config, home: () => '/home/me' });

const BOTH = { STATE_DIRECTORY: '/var/lib/patchbay', XDG_STATE_HOME: '/home/me/state' };

test.each([
  ['an absolute path is taken as it is', '/srv/state', BOTH, '/srv/state'],
  ['a relative one starts beside the config file', '../state', BOTH, '/etc/state'],
  ['`none` is no folder', 'none', BOTH, undefined],
  ['a folder of that name can be had', './none', BOTH, '/etc/patchbay/none'],
  ['systemd comes first', undefined, BOTH, '/var/lib/patchbay'],
  ['of several of systemd, the first', undefined, { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, '/var/lib/a'],
  ['then XDG', undefined, { XDG_STATE_HOME: '/home/me/state' }, '/home/me/state/patchbay'],
  [
    'empty variables count as unset',
    undefined,
    { STATE_DIRECTORY: '', XDG_STATE_HOME: '' },
    '/home/me/.local/state/patchbay',
  ],
  ['a relative XDG_STATE_HOME as well', undefined, { XDG_STATE_HOME: 'state' }, '/home/me/.local/state/patchbay'],
  ['then the home folder', undefined, {}, '/home/me/.local/state/patchbay'],
])('%s', (_, setting, env, folder) => expect(at(setting, env)).toBe(folder));

test('a config file that is named relatively is in the folder Patchbay was started in', () => {
  expect(at('state', {}, 'config/patchbay.yaml')).toBe(resolve('config/state'));
});

test('the home folder is looked for only when it is needed', () => {
  const home = () => {
    throw new Error('no home');
  };
  expect(stateFolder('/srv', { env: {}, config: 'a', home })).toBe('/srv');
  expect(() => stateFolder(undefined, { env: {}, config: 'a', home })).toThrow('no home');
});
