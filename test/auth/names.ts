/**
 * Loaded into a gateway: every name below `example.test` is this machine, as a hostile name server would have it; that of
 * `inner.example.test` is another of its addresses.
 */
import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

type Done = (error: Error | null, found: LookupAddress[]) => void;

const { lookup } = dns;
const here = (name: string, options: LookupAllOptions, done: Done): void => {
  if (name === 'inner.example.test') done(null, [{ address: '127.0.0.2', family: 4 }]);
  else if (name.endsWith('.example.test')) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else lookup(name, options, done);
};
dns.lookup = here as unknown as typeof dns.lookup;
syncBuiltinESMExports();
