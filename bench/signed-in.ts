/**
 * Benchmark `signed-in`: what an access token adds to one small `tools/call`, against Patchbay that lets everyone in.
 * Rounds run the two in turn, as those of `small-call` do.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { readFlags } from './flags.ts';
import { environment, type Result, toAdded, toJson, toRatio, toRow, toTable } from './report.ts';
import { DEFAULT_CLI, startPatchbay, startUpstream } from './targets.ts';
import { type Load, measureWindow, type Window } from './windows.ts';

export const NAME = 'signed-in';
export const RESULT_FILE = join(import.meta.dirname, 'results', `${NAME}.json`);

const AUDIENCE = 'bench';

/** An issuer as far as it takes part: it has keys, and tokens. */
interface Issuer extends AsyncDisposable {
  /** The section `auth` that trusts it. */
  readonly auth: object;
  readonly token: string;
}

/**
 * Runs the benchmark, prints its table and writes its result.
 *
 * @param argv flags; `bench/README.md` lists them
 * @returns exit code: 0, or 1 when `--max-added` is exceeded
 * @throws {Error} when a target does not start or answers wrongly
 */
export async function signedIn(argv: readonly string[]): Promise<number> {
  const flags = readFlags(argv, {
    rounds: { type: 'count', default: 8, min: 1 },
    seconds: { type: 'number', default: 3, min: 0.1 },
    warmup: { type: 'number', default: 2 },
    connections: { type: 'count', default: 16, min: 1 },
    'in-flight': { type: 'count', min: 1 },
    bytes: { type: 'count', default: 200 },
    json: { type: 'text', default: RESULT_FILE },
    'max-added': { type: 'number' },
    cli: { type: 'text', default: DEFAULT_CLI },
  });
  const { rounds, seconds, warmup, connections, bytes } = flags;
  const load: Load = { seconds, warmup, connections, inFlight: flags['in-flight'] ?? connections * 2, bytes };

  const result = await measure(rounds, load, flags.cli);
  console.log(`\n${toTable(result)}`);
  mkdirSync(dirname(flags.json), { recursive: true });
  writeFileSync(flags.json, toJson(result));

  const limit = flags['max-added'];
  const added = result.added?.least ?? 0;
  if (limit === undefined || added <= limit) return 0;
  console.error(`\nThe ${added.toFixed(1)} µs that it adds are above the limit ${limit}.`);
  return 1;
}

async function measure(rounds: number, load: Load, cli: string): Promise<Result> {
  await using upstream = await startUpstream();
  await using issuer = await startIssuer();
  const open: Window[] = [];
  const signed: Window[] = [];
  const run = async (name: string, windows: Window[], auth: object, token?: string): Promise<void> => {
    await using target = await startPatchbay(upstream.url, cli, auth);
    const window = await measureWindow(target, load, token);
    windows.push(window);
    console.log(`${name}: ${window.target.cpuUsPerCall.toFixed(1)} µs/call`);
  };
  const runOpen = () => run('without', open, {});
  const runSigned = () => run('with a token', signed, issuer.auth, issuer.token);
  for (let round = 0; round < rounds; round += 1)
    for (const next of round % 2 === 0 ? [runOpen, runSigned] : [runSigned, runOpen]) await next();
  const baseline = toRow('Patchbay, open to all', open);
  const subject = toRow('Patchbay, with tokens', signed);
  return {
    benchmark: NAME,
    environment: environment(),
    settings: { rounds, ...load },
    rows: [baseline, subject],
    ratio: toRatio(subject, baseline),
    added: toAdded(subject, baseline),
  };
}

async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' }] });
  const server = createServer((_req, res) => res.setHeader('content-type', 'application/json').end(keys));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // what tokens of identity providers hold, and as long as they are
  const claims = {
    scope: 'openid profile email mcp',
    groups: ['staff', 'engineering'],
    name: 'A. User',
    sid: 'x'.repeat(36),
  };
  const token = await new SignJWT({ ...claims, client_id: 'bench-load' })
    .setProtectedHeader({ alg: 'RS256', kid: 'bench', typ: 'at+jwt' })
    .setIssuer(url)
    .setSubject('00u1abcd2EFGH3ijk4x7')
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime('6h')
    .setJti(crypto.randomUUID())
    .sign(privateKey);
  const auth = { mode: 'jwt', jwt: [{ issuer: url, jwksUri: `${url}/jwks`, audience: AUDIENCE }] };
  return {
    auth,
    token,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
