/** Which addresses may be connected to for a URL that somebody else named (IANA special-purpose registries, RFC 6890). */
import { BlockList, isIP, isIPv4 } from 'node:net';

/** What is not of the public internet in IPv4: this host, private, CGNAT, loopback, link-local, documentation, benchmarks … */
const SPECIAL_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** All public addresses of IPv6 lie in here; mapped, translated, local and multicast ones do not. */
const GLOBAL_6 = ['2000::/3'];
/** What lies in there and is not public all the same: Teredo and other special ones, documentation, 6to4. */
const SPECIAL_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6');

/** A list of networks in CIDR notation, or single addresses. */
export class Networks {
  readonly #list = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = familyOf(address);
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  /** @param address a valid IPv4 or IPv6 address; a mapped one is also in the networks of its IPv4 address */
  has(address: string): boolean {
    return this.#list.check(address, familyOf(address));
  }
}

const special4 = new Networks(SPECIAL_4);
const global6 = new Networks(GLOBAL_6);
const special6 = new Networks(SPECIAL_6);
const loopback = new Networks(['127.0.0.0/8', '::1']);

/** Whether an address belongs to the public internet; whatever is no plain address does not. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
  return isIPv4(address) ? !special4.has(address) : global6.has(address) && !special6.has(address);
}

/** Whether an address is that of this machine itself. */
export function isLoopbackAddress(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && !isMapped(address) && loopback.has(address);
}

const isMapped = (address: string): boolean => /^::ffff:/i.test(address);
