/** Requests that are sent a second time when the process ended before the answer. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { RawClient } from '../multiplexer/raw-client.ts';

/** A server that writes down which tools were called, and ends at every call until there were as many as it is told. */
const SERVER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const [file, deaths] = process.argv.slice(1);
const inputSchema = { type: 'object' };
const results = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools: [
    { name: 'reads', inputSchema, annotations: { readOnlyHint: true } },
    { name: 'plain', inputSchema },
  ] }),
  'tools/call': ({ name }) => {
    appendFileSync(file, name + '\\n');
    if (readFileSync(file, 'utf8').split('\\n').length - 1 <= Number(deaths)) process.exit(3);
    return { content: [] };
  },
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = results[method];
  const answer = result ? { result: result(params) } : { error: { code: -32601, message: 'Method not found' } };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n');
});
`;

async function callOnce(tool: string, deaths: number, sharing: string) {
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-repeats-'));
  const file = join(folder, 'calls');
  const up = { command: process.execPath, args: ['-e', SERVER, file, String(deaths)], sharing };
  const gateway = await startGateway({
    config: { upstreams: { up: { ...up, recovery: { failures: 100, firstRetry: '10ms' } } } },
  });
  try {
    const client = await RawClient.open(gateway.url);
    const { result, error } = await client.request('tools/call', { name: `up__${tool}`, arguments: {} });
    return { result, error, calls: (await readFile(file, 'utf8')).trim().split('\n') };
  } finally {
    await gateway.stop();
    await rm(folder, { recursive: true });
  }
}

test.each(['session', 'shared'])(
  '#154 sharing: %s: a tool that only reads: once more, over a new process',
  async (sharing) => {
    expect(await callOnce('reads', 1, sharing)).toEqual({ result: { content: [] }, calls: ['reads', 'reads'] });
  },
);

test('#154 twice at most, and the error says that nobody knows', async () => {
  const { error, calls } = await callOnce('reads', 9, 'session');
  expect(error?.message).toMatch(/lost while tools\/call was in progress .*whether it took effect is unknown/);
  expect(calls).toEqual(['reads', 'reads']);
});

test('#154 any other tool: never', async () => {
  const { error, calls } = await callOnce('plain', 9, 'session');
  expect(error?.message).toContain('whether it took effect is unknown');
  expect(calls).toEqual(['plain']);
});
