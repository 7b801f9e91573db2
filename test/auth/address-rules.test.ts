import { describe, expect, test } from 'vitest';
import { isLoopbackAddress, isPublic, Networks } from '../../src/auth/address-rules.ts';

const SPECIAL = {
  'this host': ['0.0.0.0', '0.1.2.3', '::'],
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  loopback: ['127.0.0.1', '127.255.0.1', '::1'],
  'link-local': ['169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0'],
  ULA: ['fc00::1', 'fd00:ec2::254', 'fec0::1'],
  CGNAT: ['100.64.0.1', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.1.2.3', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  'IPv4-mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1'],
  'translated and tunnelled': ['64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001:0:1::1'],
  'documentation and tests': [
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.9',
    '198.19.0.1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
  ],
  'no address': ['', 'localhost', '127.1', '0177.0.0.1', '2130706433', '1.2.3.4/8'],
};

describe('public addresses', () => {
  for (const [kind, addresses] of Object.entries(SPECIAL)) {
    test.each(addresses)(`are not those of kind ${kind}: %s`, (address) => {
      expect(isPublic(address)).toBe(false);
    });
  }
  const PUBLIC = ['8.8.8.8', '1.1.1.1', '100.63.255.255', '100.128.0.1', '172.15.0.1', '172.32.0.1', '2606:4700::1111'];
  test.each(PUBLIC)('are such as %s', (address) => {
    expect(isPublic(address)).toBe(true);
  });
});

test('loopback is this machine, spelled as itself', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1'].map(isLoopbackAddress)).toEqual([true, true, true]);
  expect(['128.0.0.1', '::2', '::ffff:127.0.0.1', 'localhost', ''].map(isLoopbackAddress)).not.toContain(true);
});

test('networks hold what lies in them', () => {
  const networks = new Networks(['10.1.0.0/16', '192.168.7.7', 'fd00:1::/32', '::1']);
  const inside = ['10.1.0.0', '10.1.255.255', '192.168.7.7', 'fd00:1::9', '::1', '::ffff:10.1.2.3'];
  expect(inside.filter((address) => !networks.has(address))).toEqual([]);
  const outside = ['10.2.0.0', '192.168.7.8', 'fd00:2::9', '::2', '8.8.8.8'];
  expect(outside.filter((address) => networks.has(address))).toEqual([]);
});
