/** A gateway for attackers, and the clients that belong to others: what its tests begin and end with. */
import { expect } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { CERTIFICATE } from '../https.ts';
import { type Answer, Bench, WEB } from './bench.ts';

export const NATIVE = 'http://127.0.0.1:3000/callback';
export const APP = 'cursor://anysphere.cursor-retrieval/oauth/callback';

export interface Attacked {
  readonly gateway: SignInGateway;
  readonly bench: Bench;
  /** A web application. */
  readonly web: string;
  /** One on the user's computer. */
  readonly native: string;
  /** One that has nothing to do with them. */
  readonly other: string;
}

/** @param auth changes to the section of this name */
export async function startAttacked(auth: object = {}): Promise<Attacked> {
  const gateway = await startSignInGateway(
    {},
    {
      auth: { allowAddresses: ['127.0.0.1'], ...auth },
      config: { log: { level: 'trace' } },
      env: {
        NODE_EXTRA_CA_CERTS: CERTIFICATE,
        NODE_OPTIONS: `--import=${new URL('../names.ts', import.meta.url).href}`,
      },
    },
  );
  const bench = new Bench(gateway.base);
  return {
    gateway,
    bench,
    web: await bench.register([WEB]),
    native: await bench.register([NATIVE, 'http://localhost/here', APP]),
    other: await bench.register([WEB]),
  };
}

export const refusedWith = ({ status, body }: Answer, error: string, code = 400): void =>
  expect({ status, error: body.error }).toEqual({ status: code, error });

/** Refusals are in the log, with who and why. @param facts of one line each, beside the address */
export function expectTold({ logs }: SignInGateway, facts: readonly object[]): void {
  const line = (due: object) => logs.find((found) => expect.objectContaining(due).asymmetricMatch(found));
  const from = { audit: 'refused', level: 'info', address: '127.0.0.1' };
  for (const each of facts)
    expect({ facts: each, line: line({ ...from, ...each }) }).toEqual({ facts: each, line: expect.anything() });
}

/** No secret that came by is in the log, nor anything that was printed beside it. @param audits what happened */
export async function expectSilent({ gateway, bench }: Attacked, audits: readonly string[]): Promise<void> {
  for (const audit of audits) await gateway.waitForLog((line) => line.audit === audit);
  const log = JSON.stringify([gateway.logs, gateway.noise]);
  expect(bench.secrets.size).toBeGreaterThan(20);
  const found = [...bench.secrets].filter((secret) => secret.length >= 8 && log.includes(secret));
  expect(found.map((secret) => log.slice(log.indexOf(secret) - 200, log.indexOf(secret) + 60))).toEqual([]);
  expect(gateway.noise).toEqual([]);
}
