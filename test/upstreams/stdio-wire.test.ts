import { afterEach, describe, expect, test } from 'vitest';
import { Connector } from '../../src/upstreams/connector.ts';
import type { Link } from '../../src/upstreams/link.ts';
import { answerText, makeCall, type RecordedCall, resultOf, toolCall } from './calls.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { isAlive } from './processes.ts';
import { hearing } from './scripted-wire.ts';
import { nodeProcess, stdioSpec } from './specs.ts';

let link: Link | undefined;

afterEach(async () => {
  await link?.close();
  link = undefined;
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

async function open(code: string, maxMessageSize = 1_000_000): Promise<{ lines: readonly LogLine[] }> {
  const { log, lines } = memoryLog();
  const spec = stdioSpec({ ...nodeProcess('raw-upstream'), args: ['-e', server(code)] }, { maxMessageSize });
  const identity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
  link = await new Connector(spec, log).open(identity, hearing().listener);
  return { lines };
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
  const { lines } = await open(`process.stdout.write(${text}, () => process.exit(0));`);
  const pid = Number(lines.find((line) => line.msg === 'process started')?.pid);
  const [first, second] = [send(toolCall('a')), send(toolCall('b'))];
  // nothing is read until the process has ended: its end and its answer are there at once
  const until = Date.now() + 5_000;
  while (isAlive(pid) && Date.now() < until);
  expect(await resultOf(first)).toEqual({ x: 'x'.repeat(100_000) });
  await expect(answerText(second)).rejects.toThrow('the process exited with code 0');
});

describe('#157 noise does not break the connection', () => {
  test('lines on stdout that are no JSON are told in the log, shortened', async () => {
    const { lines } = await open(`say('Debugger attached ' + 'x'.repeat(1000)); say(''); say('   '); ${ANSWER}`);
    await resultOf(send(toolCall('x')));
    const told = lines.filter((line) => line.msg === 'ignored a line on stdout that is not JSON');
    expect(told.map((line) => String(line.line).length)).toEqual([200, 3]);
    expect(told[0]?.line).toMatch(/^Debugger attached x+$/);
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
});
