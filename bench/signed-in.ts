/**
 * Benchmark `signed-in`: what an access token adds to one small `tools/call`, against Patchbay that lets everyone in.
 * Both run beside each other and take turns in short windows, and each turn is compared with the one next to it: what a
 * machine does beside that comes and goes slower than they do. Each set is of processes of its own, since the same code
 * may be compiled more or less well.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { readFlags } from './flags.ts';
import { environment, median, type Result, toAdded, toJson, toRatio, toRow, toTable } from './report.ts';
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
    sets: { type: 'count', default: 3, min: 1 },
    rounds: { type: 'count', default: 12, min: 1 },
    seconds: { type: 'number', default: 1, min: 0.1 },
    warmup: { type: 'number', default: 0.3 },
    connections: { type: 'count', default: 16, min: 1 },
    'in-flight': { type: 'count', min: 1 },
    bytes: { type: 'count', default: 200 },
    json: { type: 'text', default: RESULT_FILE },
    'max-added': { type: 'number' },
    cli: { type: 'text', default: DEFAULT_CLI },
  });
  const { sets, rounds, seconds, warmup, connections, bytes } = flags;
  const load: Load = { seconds, warmup, connections, inFlight: flags['in-flight'] ?? connections * 2, bytes };

  const result = await measure(sets, rounds, load, flags.cli);
  console.log(`\n${toTable(result)}`);
  mkdirSync(dirname(flags.json), { recursive: true });
  writeFileSync(flags.json, toJson(result));

  const limit = flags['max-added'];
  const added = result.added?.median ?? 0;
  if (limit === undefined || added <= limit) return 0;
  console.error(`\nThe ${added.toFixed(1)} µs that it adds are above the limit ${limit}.`);
  return 1;
}

/** How long each process runs before it is measured, so that what is hot is compiled; seconds. */
const SETTLE = 3;

async function measure(sets: number, rounds: number, load: Load, cli: string): Promise<Result> {
  await using upstream = await startUpstream();
  await using issuer = await startIssuer();
  const open: Window[] = [];
  const signed: Window[] = [];
  for (let set = 1; set <= sets; set += 1) {
    await using plain = await startPatchbay(upstream.url, cli);
    await using guarded = await startPatchbay(upstream.url, cli, issuer.auth);
    const turns = [
      { windows: open, measured: (more: Load) => measureWindow(plain, more) },
      { windows: signed, measured: (more: Load) => measureWindow(guarded, more, issuer.token) },
    ];
    for (const { measured } of turns) await measured({ ...load, warmup: SETTLE });
    for (let round = 0; round < rounds; round += 1)
      for (const { windows, measured } of round % 2 === 0 ? turns : turns.toReversed())
        windows.push(await measured(load));
    const [without, guardedBy] = turns.map(({ windows }) =>
      median(windows.slice(-rounds).map((w) => w.target.cpuUsPerCall)),
    );
    console.log(`set ${set}: ${without!.toFixed(1)} µs/call without a token, ${guardedBy!.toFixed(1)} with one`);
  }
  const baseline = toRow('Patchbay, open to all', open);
  const subject = toRow('Patchbay, with tokens', signed);
  return {
    benchmark: NAME,
    environment: environment(),
    settings: { sets, rounds, ...load },
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
  // requests are counted as always, against a limit that one client does not reach
  const limits = { calls: 10_000_000 };
  const auth = { mode: 'jwt', jwt: [{ issuer: url, jwksUri: `${url}/jwks`, audience: AUDIENCE }], limits };
  return {
    auth,
    token,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
