/** An upstream that has forgotten its sessions, while several calls are in flight: each is served, and none is done twice. */
import { writeFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import {
  type Handler,
  type Received,
  type ScriptedUpstream,
  startUpstream,
  textResult,
  tool,
} from './scripted-upstream.ts';

let upstream: ScriptedUpstream | undefined;
let gateway: Gateway | undefined;
/** Sessions that the upstream does not know any more. */
const forgotten = new Set<unknown>();
/** The calls that were carried out, by their argument. */
let done: unknown[] = [];
let release = Promise.withResolvers<void>();

const sessionOf = ({ headers }: Received): unknown => headers['mcp-session-id'];

const call: Handler = async (message, res) => {
  if (forgotten.has(sessionOf(message))) return void res.writeHead(404).end();
  const { n } = message.params!.arguments as { n: number };
  done.push(n);
  if (n === 0) await release.promise;
  return textResult(`done ${n}`);
};

afterEach(async () => {
  release.resolve();
  await gateway?.stop();
  await upstream?.close();
  forgotten.clear();
  done = [];
  release = Promise.withResolvers();
});

/** A session whose call 0 is under way in an upstream session that is forgotten then. */
async function begin(): Promise<{ session: Session; slow: Promise<string> }> {
  upstream = await startUpstream({ tools: [tool('add')], handlers: { 'tools/call': call } });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
  const session = await Session.open(gateway.url);
  const slow = session.callText('up__add', { n: 0 });
  const [first] = await upstream.waitFor('tools/call');
  forgotten.add(sessionOf(first!));
  return { session, slow };
}

test('all that are refused are sent again over one new session, and the one under way is answered', async () => {
  const { session, slow } = await begin();
  const before = upstream!.of('initialize').length;
  const numbers = [1, 2, 3, 4, 5];
  const answers = await Promise.all(numbers.map((n) => session.callText('up__add', { n })));
  expect(answers).toEqual(numbers.map((n) => `done ${n}`));
  expect(upstream!.of('initialize').length - before).toBe(1);
  release.resolve();
  expect(await slow).toBe('done 0');
  expect(done.sort()).toEqual([0, ...numbers]);
});

test('one that is still under way when its upstream is taken out of the config is waited for', async () => {
  const { session, slow } = await begin();
  expect(await session.callText('up__add', { n: 1 })).toBe('done 1');
  await writeFile(gateway!.configPath, stringify({ server: { port: 0 }, upstreams: {} }));
  await expect.poll(() => gateway!.logs.map(({ msg }) => msg), { timeout: 20_000 }).toContain('config applied');
  await expect.poll(() => session.names()).toEqual([]);
  release.resolve();
  expect(await slow).toBe('done 0');
});
