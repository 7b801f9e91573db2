import { describe, expect, test } from 'vitest';
import { catalogKey, identityOf } from '../../src/upstreams/identity.ts';
import type { HttpSpec, ProcessSpec, UpstreamSpec } from '../../src/upstreams/spec.ts';
import { httpSpec, startedSpec, stdioSpec, TIMEOUTS } from './specs.ts';

const HERE = {
  env: { PATH: '/bin', HOME: '/home/me', TERM: 'dumb', API_TOKEN: 'inherited-secret' },
  folder: '/srv/here',
};

const COMMAND: ProcessSpec = {
  command: 'run',
  args: ['--fast', 'x'],
  env: { TOKEN: 'hunter2-of-env', REGION: 'eu' },
  inheritEnv: ['PATH', 'HOME', 'TERM', 'API_TOKEN'],
  cwd: 'work',
};
const HEADERS = { Authorization: 'Bearer hunter2-of-headers', 'X-Team': 'a' };
const URL = 'https://mcp.example.com/mcp';

const stdio = (change: Partial<ProcessSpec> = {}) => stdioSpec({ ...COMMAND, ...change });
const http = (change: Partial<HttpSpec> = {}) =>
  httpSpec(change.url ?? URL, change.transport ?? 'auto', { headers: change.headers ?? HEADERS });
const id = (spec: UpstreamSpec, here = HERE) => identityOf(spec, here);

describe('another identity comes from another', () => {
  const { env, args } = COMMAND;
  test.each<[string, UpstreamSpec]>([
    ['name', stdioSpec(COMMAND, { name: 'other' })],
    ['command', stdio({ command: 'ran' })],
    ['argument', stdio({ args: ['--fast', 'y'] })],
    ['order of arguments', stdio({ args: [...args].reverse() })],
    ['division of arguments', stdio({ args: ['--fast x'] })],
    ['secret in env', stdio({ env: { ...env, TOKEN: 'hunter3-of-env' } })],
    ['variable', stdio({ env: { ...env, MORE: '' } })],
    ['list of inherited variables', stdio({ inheritEnv: ['PATH', 'HOME', 'API_TOKEN'] })],
    ['folder', stdio({ cwd: 'elsewhere' })],
    ['folder, the default one', stdio({ cwd: undefined })],
    ['kind of upstream', startedSpec(COMMAND, URL)],
  ])('%s of a process', (_, other) => expect(id(other)).not.toBe(id(stdio())));

  test.each<[string, UpstreamSpec]>([
    ['URL', http({ url: `${URL}/` })],
    ['secret in a header', http({ headers: { ...HEADERS, Authorization: 'Bearer hunter3-of-headers' } })],
    ['header', http({ headers: { ...HEADERS, 'X-More': '' } })],
    ['transport', http({ transport: 'sse' })],
  ])('%s of a server', (_, other) => expect(id(other)).not.toBe(id(http())));

  test('value of an inherited variable that may hold a credential, or lead to one', () => {
    for (const change of [{ API_TOKEN: 'another' }, { API_TOKEN: undefined }, { HOME: '/home/you' }]) {
      const env = { ...HERE.env, ...change } as typeof HERE.env;
      expect(id(stdio(), { ...HERE, env })).not.toBe(id(stdio()));
    }
  });

  test('folder that Patchbay was started in, where the process starts there or below', () => {
    const there = { ...HERE, folder: '/srv/there' };
    expect(id(stdio(), there)).not.toBe(id(stdio()));
    expect(id(stdio({ cwd: '/abs' }), there)).toBe(id(stdio({ cwd: '/abs' })));
    expect(id(http(), there)).toBe(id(http()));
  });
});

describe('the identity stays', () => {
  test('in whatever order things without an order are written', () => {
    const env = { REGION: 'eu', TOKEN: 'hunter2-of-env' };
    const inheritEnv = [...COMMAND.inheritEnv].reverse();
    expect(id(stdio({ env, inheritEnv }))).toBe(id(stdio()));
    const headers = { 'x-team': 'a', AUTHORIZATION: 'Bearer hunter2-of-headers' };
    expect(id(http({ headers }))).toBe(id(http()));
  });

  test('when only the terminal, or the variables that nobody inherits, differ', () => {
    const env = { ...HERE.env, PATH: '/usr/bin', TERM: 'xterm', OTHER: 'x' };
    expect(id(stdio(), { ...HERE, env })).toBe(id(stdio()));
  });

  test('when only the use of links differs', () => {
    const other: UpstreamSpec = {
      ...stdio(),
      sharing: 'shared',
      timeouts: { ...TIMEOUTS, call: 1 },
      maxMessageSize: 1,
    };
    expect(id(other)).toBe(id(stdio()));
  });

  test('from one process to the next, as a short text that is no secret', () => {
    expect(id(stdio())).toMatchInlineSnapshot(`"rzXEuVOSPHGyi2cdyAEnoJ2oDxsV3xKLGTsxZAxqoKo"`);
    expect(id(http())).toMatchInlineSnapshot(`"Vg_GmOhccsWWGtSJJ8Hss5j2OARoK_uoULYPqkDpsvA"`);
  });
});

test('each audience has a key of its own', () => {
  expect(new Set(['', '{"roots":{}}', 'x'].map((audience) => catalogKey(http(), audience))).size).toBe(3);
  expect(catalogKey(http(), 'x')).toBe(catalogKey(http(), 'x'));
  expect(catalogKey(http({ headers: {} }), 'x')).not.toBe(catalogKey(http(), 'x'));
});
