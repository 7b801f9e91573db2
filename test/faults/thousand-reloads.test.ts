/** A thousand edits of the config under load: calls that an edit does not concern never notice, and nothing is left of them. */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from '../gateway/client.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from '../gateway/scripted-upstream.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';

const EDITS = 1_000;
/** By then all that is made once has been made. */
const WARM = 200;
const MIB = 1_048_576;
/** Between two calls, milliseconds. */
const PAUSE = 20;

let gateway: Gateway;
let steady: ScriptedUpstream;
let passing: ScriptedUpstream;

const far = () => startUpstream({ tools: [tool('far')], handlers: { 'tools/call': () => textResult('there') } });

/** What is different from one edit to the next, all of it taken back in time. */
function configAt(edit: number): object {
  const at = edit % 6;
  const upstreams = {
    steady: { url: steady.url },
    local: { ...stdioPeer(), sharing: 'shared' },
    // its link stays: only what is allowed to it is different
    edited: { url: steady.url, timeouts: { call: `${100 + at}s` } },
    ...(at === 1 || at === 2 ? { passing: { url: passing.url } } : {}),
  };
  return {
    server: { port: 0 },
    lists: { firstWait: '30s', pageSize: at === 3 ? 7 : 0 },
    profiles: at === 4 ? { research: { include: ['steady/*'] } } : {},
    log: { level: 'info' },
    upstreams,
  };
}

beforeAll(async () => {
  [steady, passing] = await Promise.all([far(), far()]);
  // with little room, what is not needed any more goes soon, and what is kept for ever shows
  gateway = await startGateway({ config: configAt(0), env: { NODE_OPTIONS: '--max-old-space-size=96' } });
});
afterAll(async () => {
  await gateway?.stop();
  await Promise.all([steady?.close(), passing?.close()]);
});

async function holdings() {
  const children = await readFile(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8');
  const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
  return {
    files: (await readdir(`/proc/${gateway.pid}/fd`)).length,
    children: children.split(' ').filter(Boolean).length,
    memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1_024,
  };
}

/** Calls a tool again and again until told to stop. @returns how many calls, and what those said that failed */
function caller(name: string, failed: string[]) {
  let going = true;
  let calls = 0;
  const run = (async () => {
    const session = await Session.open(gateway.url);
    while (going) {
      const { error, result } = await session.request('tools/call', { name, arguments: {} });
      calls += 1;
      if (error) failed.push(`${(error as { code: number }).code} ${(error as { message: string }).message}`);
      else if (!JSON.stringify(result).includes('content')) failed.push(JSON.stringify(result));
      // so that edits find calls in progress, and the machine is not busy with calls alone
      await setTimeout(PAUSE);
    }
    await session.end();
  })();
  return {
    stop: async (): Promise<number> => {
      going = false;
      await run;
      return calls;
    },
  };
}

let done = 0;
const answered = () => gateway.logs.filter(({ reason }) => reason === 'SIGHUP').length;

/** An edit, made at once as editors do, and taken up. */
async function edit(): Promise<void> {
  done += 1;
  const file = gateway.configPath;
  await writeFile(`${file}.new`, stringify(configAt(done)));
  await rename(`${file}.new`, file);
  process.kill(gateway.pid, 'SIGHUP');
  await poll(answered, 20_000).toBe(done);
}

test('a thousand edits under load', { timeout: 240_000 }, async () => {
  const unharmed: string[] = [];
  const explained: string[] = [];
  const callers = ['steady__far', 'local__whoami', 'edited__far', 'steady__far'].map((name) => caller(name, unharmed));
  const some = caller('passing__far', explained);
  while (done < WARM) await edit();
  const before = await holdings();
  while (done < EDITS) await edit();
  const after = await holdings();

  const calls = await Promise.all(callers.map((one) => one.stop()));
  const tried = await some.stop();
  expect(unharmed).toEqual([]);
  for (const count of calls) expect(count).toBeGreaterThan(EDITS / 10);
  // it comes and goes: its calls fail for that reason alone, and succeed while it is there
  expect(explained.length).toBeLessThan(tried);
  expect(explained.filter((text) => !/^-32602 Unknown tool|passing/.test(text))).toEqual([]);
  expect(gateway.logs.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);

  expect(after.children).toBe(before.children);
  expect(after.files).toBeLessThan(before.files + 10);
  expect(after.memory - before.memory).toBeLessThan(60 * MIB);
});
