import { afterEach, describe, expect, test } from 'vitest';
import { Connector } from '../../src/upstreams/connector.ts';
import { liveGroups } from '../../src/upstreams/groups.ts';
import { Launcher } from '../../src/upstreams/launcher.ts';
import type { Link } from '../../src/upstreams/link.ts';
import type { ProcessSpec } from '../../src/upstreams/spec.ts';
import { StdioWire } from '../../src/upstreams/stdio-wire.ts';
import type { WireListener } from '../../src/upstreams/wire.ts';
import { answerText, makeCall, type RecordedCall, resultOf, toolCall } from './calls.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { children, expectGone, isAlive } from './processes.ts';
import { type Heard, hearing } from './scripted-wire.ts';
import { nodeProcess, stdioSpec } from './specs.ts';

let link: Link | undefined;
/** Processes that leave their group, and so are for the test to end. */
let escaped: number[] = [];

afterEach(async () => {
  await link?.close();
  for (const pid of escaped) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  link = undefined;
  escaped = [];
});

const HANDSHAKE = '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{}}';

/** A server that answers the handshake and hands every line of a call to this code, with `id` and `say(text)`. */
const server = (code: string): string => `
  const say = (text) => process.stdout.write(text + '\\n');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    if (method === 'initialize') say('{"jsonrpc":"2.0","id":' + id + ',"result":${HANDSHAKE}}');
    else if (method === 'tools/call') { ${code} }
  }).on('close', () => process.exit(0));`;

const ANSWER = `say('{"jsonrpc":"2.0","id":' + id + ',"result":{"content":[]}}');`;

interface Open {
  readonly lines: readonly LogLine[];
  readonly heard: Heard;
  readonly pid: number;
}

const open = (code: string, maxMessageSize?: number, secrets?: readonly string[]): Promise<Open> =>
  openProcess({ command: process.execPath, args: ['-e', server(code)] }, maxMessageSize, secrets);

async function openProcess(
  launch: Pick<ProcessSpec, 'command' | 'args'>,
  maxMessageSize = 1_000_000,
  secrets: readonly string[] = [],
): Promise<Open> {
  const { log, lines } = memoryLog();
  const { listener, heard } = hearing();
  const spec = stdioSpec({ ...nodeProcess('raw-upstream'), ...launch }, { maxMessageSize });
  const identity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
  link = await new Connector({ ...spec, secrets }, log).open(identity, listener);
  return { lines, heard, pid: Number(lines.find((line) => line.msg === 'process started')?.pid) };
}

function send(recorded: RecordedCall): RecordedCall {
  link!.request(recorded.call);
  return recorded;
}

test('a message goes out on one line, however many it came on', async () => {
  await open(`say('{"jsonrpc":"2.0","id":' + id + ',"result":' + JSON.stringify({ line }) + '}');`);
  const pretty = '{\n  "jsonrpc": "2.0",\r\n  "id": 1,\n  "method": "tools/call",\n  "params": {"a": "\\n"}\n}';
  const { line } = await resultOf<{ line: string }>(send(makeCall(pretty)));
  expect(line).toBe(pretty.replace(/[\r\n]/g, ' ').replace('"id": 1', '"id": 2'));
});

test('an answer written just before the process ends still counts', async () => {
  const text = `'{"jsonrpc":"2.0","id":' + id + ',"result":{"x":"' + 'x'.repeat(100000) + '"}}\\n'`;
  const { pid } = await open(`process.stdout.write(${text}, () => process.exit(0));`);
  const [first, second] = [send(toolCall('a')), send(toolCall('b'))];
  // nothing is read until the process has ended: its end and its answer are there at once
  const until = Date.now() + 5_000;
  while (isAlive(pid) && Date.now() < until);
  expect(await resultOf(first)).toEqual({ x: 'x'.repeat(100_000) });
  await expect(answerText(second)).rejects.toThrow('the process exited with code 0');
});

describe('a process that cannot be talked to any more', () => {
  test.each([
    ['stdout', '1>&-'],
    ['stdin', '0<&-'],
  ])('because it has closed its %s is stopped, and its calls fail', async (which, closed) => {
    const shell = `read a; echo '{"jsonrpc":"2.0","id":1,"result":${HANDSHAKE}}'; read b; read c
      echo closing now >&2; exec ${closed}; sleep 300`;
    const { lines, heard, pid } = await openProcess({ command: '/bin/sh', args: ['-c', shell] });
    const call = send(toolCall('a'));
    await expect.poll(() => lines.map((line) => line.stderr)).toContain('closing now');
    // that nobody reads is found out by writing
    const notify = setInterval(() => link!.notify('notifications/roots/list_changed'), 20);
    await expect(answerText(call)).rejects.toThrow(`it closed its ${which}`);
    clearInterval(notify);
    expect(heard.closed.map((fault) => fault?.message)).toEqual([`it closed its ${which}`]);
    await expectGone(pid);
    expect(lines).toContainEqual(expect.objectContaining({ reason: `it closed its ${which}`, level: 40 }));
    expect(lines.filter((line) => line.msg === 'the process ended by itself')).toEqual([]);
  });

  test('because it has ended is given up, although something that it started holds its stdout open', async () => {
    const options = `{ detached: true, stdio: ['ignore', 'inherit', 'inherit'] }`;
    const { lines, heard } = await open(`
      const { pid } = require('node:child_process').spawn('sleep', ['300'], ${options});
      process.stderr.write('escaped ' + pid + '\\n', () => process.exit(3));`);
    const call = send(toolCall('a'));
    await expect(answerText(call)).rejects.toThrow('the process exited with code 3');
    const words = lines.filter((line) => line.msg === 'upstream stderr');
    escaped = words.flatMap((line) => /^escaped (\d+)$/.exec(String(line.stderr))?.[1] ?? []).map(Number);
    expect(escaped.map(isAlive)).toEqual([true]);
    expect(heard.closed).toHaveLength(1);
    const end = lines.find((line) => line.msg === 'the process ended by itself');
    expect(end).toMatchObject({ code: 3, stderr: [`escaped ${escaped[0]}`] });
  });
});

test('a process is not left behind by a link that is closed while it starts', async () => {
  const { log, lines } = memoryLog();
  const spec = stdioSpec(nodeProcess('raw-upstream', ['stdio', 'plain']));
  const wire = new StdioWire(() => new Launcher(spec, log).start(), 1_000);
  const starting = wire.start({} as WireListener);
  const closing = wire.close();
  await expect(starting).rejects.toThrow('it is being closed');
  await closing;
  expect(lines.filter((line) => line.msg === 'process started')).toHaveLength(1);
  expect([liveGroups(), children()]).toEqual([[], []]);
});

describe('#157 noise does not break the connection', () => {
  test('lines on stdout that are no JSON are told in the log, shortened', async () => {
    const { lines } = await open(`say('Debugger attached ' + 'x'.repeat(1000)); say(''); say('   '); ${ANSWER}`);
    await resultOf(send(toolCall('x')));
    const told = lines.filter((line) => line.msg === 'ignored a line on stdout that is not JSON');
    expect(told.map((line) => String(line.line).length)).toEqual([200, 3]);
    expect(told[0]?.line).toMatch(/^Debugger attached x+$/);
  });

  test('of which there is much is told in part, with the number of the other lines', async () => {
    const { lines } = await open(`for (let i = 0; i < 1000; i++) say('noise ' + i); ${ANSWER}`);
    await resultOf(send(toolCall('x')));
    const told = (): LogLine[] => lines.filter((l) => l.msg === 'ignored a line on stdout that is not JSON');
    const rest = (): number[] =>
      lines.flatMap((l) => (l.msg === 'ignored more lines on stdout that are not JSON' ? Number(l.lines) : []));
    const all = (): number => rest().reduce((sum, n) => sum + n, told().length);
    await expect.poll(all, { timeout: 10_000 }).toBe(1_000);
    // all came within a second, unless the machine is very busy
    expect(told().length).toBeLessThan(200);
  });

  test('has secrets masked that the upstream was given', async () => {
    const { lines } = await open(`say('my key is t0p-s3cret'); ${ANSWER}`, 1_000_000, ['t0p-s3cret']);
    await resultOf(send(toolCall('x')));
    const told = lines.find((line) => line.msg === 'ignored a line on stdout that is not JSON');
    expect(told?.line).toBe('my key is [redacted]');
  });

  test('what is written on stderr is in the log, with the process it came from', async () => {
    const { lines } = await open(`process.stderr.write('loading the model\\n'); ${ANSWER}`);
    await resultOf(send(toolCall('x')));
    await expect.poll(() => lines.find((line) => line.stderr === 'loading the model')).toMatchObject({ level: 20 });
    expect(lines.find((line) => line.stderr !== undefined)?.pid).toBe(
      lines.find((l) => l.msg === 'process started')?.pid,
    );
  });

  test('a line larger than maxMessageSize is dropped, those around it are not', async () => {
    const { lines } = await open(`say('{"x":"' + 'x'.repeat(5000) + '"}'); ${ANSWER}`, 2_000);
    expect(await resultOf(send(toolCall('x')))).toEqual({ content: [] });
    const dropped = lines.find((line) => line.msg === 'dropped a message larger than maxMessageSize');
    expect(dropped).toMatchObject({ level: 50, limit: 2_000 });
  });

  test.each([
    ['in front', `'{"jsonrpc":"2.0","id":' + id + ',"result":{"x":"' + 'x'.repeat(200000) + '"}}'`],
    ['at the end', `'{"result":{"x":"' + 'x'.repeat(200000) + '"},"jsonrpc":"2.0","id":' + id + '}'`],
  ])('an answer that is dropped is told to who waits for it, and to nobody else (id %s)', async (_, answer) => {
    await open(`if (line.includes('large')) say(${answer}); else setTimeout(() => {${ANSWER}}, 500);`, 2_000);
    const other = send(toolCall('other'));
    expect(await send(toolCall('large')).done).toMatchObject({
      error: {
        fault: 'upstreamMalformed',
        message: expect.stringContaining('its answer is larger than maxMessageSize (2000 bytes)'),
      },
    });
    expect(await resultOf(other)).toEqual({ content: [] });
  });
});
