/** Two workers and what is between two requests: parked calls, tasks, URIs that a principal was shown. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ModernClient, TASKS } from '../gateway/modern-client.ts';
import { type ScriptedUpstream, startUpstream, tool } from '../gateway/scripted-upstream.ts';
import { elicit } from '../multiplexer/questions.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { type Lab, startLab } from './lab.ts';

const LONG = 60_000;
const RESEARCH = 'everything__simulate-research-query';
const CAPABILITIES = { elicitation: { form: {} }, extensions: { [TASKS]: {} } };

let lab: Lab;
let linking: ScriptedUpstream;

beforeAll(async () => {
  linking = await startUpstream({
    tools: [tool('link')],
    handlers: {
      'tools/call': ({ params }) => {
        const { uri } = (params as { arguments: { uri: string } }).arguments;
        return { content: [{ type: 'resource_link', uri, name: 'it' }] };
      },
      'resources/read': ({ params }) => {
        const { uri } = params as { uri: string };
        return { contents: [{ uri, text: 'found' }] };
      },
    },
  });
  const everything = { command: 'node_modules/.bin/mcp-server-everything' };
  lab = await startLab({ upstreams: { peer: stdioPeer(), everything, linking: { url: linking.url } } });
}, LONG);

afterAll(async () => {
  await lab?.close();
  await linking?.close();
});

const passed = async (): Promise<number> => (await lab.figure('patchbay_requests_passed_total')) ?? 0;

/** Does it until a request was passed on for it. */
async function untilPassed(once: () => Promise<void>): Promise<void> {
  const before = await passed();
  await poll(async () => {
    await once();
    return (await passed()) > before;
  }).toBe(true);
}

describe('a parked call', () => {
  test('goes on wherever its client comes back', { timeout: LONG }, async () => {
    const client = new ModernClient(lab.url, CAPABILITIES);
    const owners = new Set<string>();
    await untilPassed(async () => {
      const args = { tag: 't', steps: [{ ask: [elicit('first')] }, { ask: [elicit('second')] }] };
      let asked = await client.call('peer__play', args);
      for (const content of [{ choice: '1' }, { choice: '2' }]) {
        expect(asked.resultType).toBe('input_required');
        const { requestState } = asked as { requestState: string };
        owners.add(/^(w[12])\.g1\./.exec(requestState)![1]!);
        const [key] = Object.keys(asked.inputRequests as object);
        const inputResponses = { [key!]: { action: 'accept', content } };
        asked = await client.call('peer__play', args, { retry: { requestState, inputResponses } });
      }
      expect(asked).toMatchObject({
        resultType: 'complete',
        structuredContent: {
          outcomes: [{ result: { content: { choice: '1' } } }, { result: { content: { choice: '2' } } }],
        },
      });
    });
    expect(owners.size).toBeGreaterThan(0);
  });

  test('a state that names another worker than it was sealed with is refused', async () => {
    const client = new ModernClient(lab.url, CAPABILITIES);
    const args = { tag: 't', steps: [{ ask: [elicit()] }] };
    const { requestState } = (await client.call('peer__play', args)) as { requestState: string };
    const rest = requestState.slice(3);
    for (const forged of [rest, `w1.${rest}`, `w2.${rest}`, `w3.${rest}`, `w1.w2.${rest}`].filter(
      (s) => s !== requestState,
    ))
      for (let i = 0; i < 2; i++) {
        const params = { name: 'peer__play', arguments: args, requestState: forged };
        const answer = await client.ask('tools/call', { params });
        expect(answer.messages.at(-1)?.error?.message).toContain('requestState');
      }
  });
});

describe('a task', () => {
  test('of a modern client is asked about, answered and heard of at any worker', { timeout: LONG }, async () => {
    const client = new ModernClient(lab.url, CAPABILITIES);
    await untilPassed(async () => {
      const { taskId } = (await client.call(RESEARCH, { topic: 'z', ambiguous: true })) as { taskId: string };
      expect(taskId).toMatch(/^w[12]\.g1\./);
      const look = () => client.result('tasks/get', { params: { taskId } });
      const listens = await Promise.all(
        [1, 2].map(() => client.send('subscriptions/listen', { params: { notifications: { taskIds: [taskId] } } })),
      );
      await poll(async () => (await look()).status, 20_000).toBe('input_required');
      const waiting = await look();
      expect(waiting.taskId).toBe(taskId);
      const [key] = Object.keys(waiting.inputRequests as object);
      const inputResponses = { [key!]: { action: 'accept', content: { interpretation: 'technical' } } };
      await client.result('tasks/update', { params: { taskId, inputResponses } });
      await poll(async () => (await look()).status, 20_000).toBe('completed');
      for (const listen of listens) {
        await listen.waitFor(({ params }) => params?.status === 'completed');
        await listen.close();
      }
    });
  });

  test('of a legacy session is found, waited for and cancelled in sessions of the other worker', {
    timeout: LONG,
  }, async () => {
    const clients: Client[] = [];
    const owners = new Set<string>();
    while (owners.size < 2) {
      const client = new Client({ name: 'tasks', version: '1.0.0' });
      const transport = new StreamableHTTPClientTransport(new URL(lab.url));
      await client.connect(transport as Transport);
      await client.ping();
      if (owners.has(transport.sessionId!.slice(0, 2))) continue;
      owners.add(transport.sessionId!.slice(0, 2));
      clients.push(client);
    }
    const [one, other] = clients as [Client, Client];
    const begin = async (): Promise<string> => {
      const params = { name: RESEARCH, arguments: { topic: 'y', ambiguous: false } };
      const stream = one.experimental.tasks.callToolStream(params, CallToolResultSchema, { task: { ttl: 60_000 } });
      for await (const message of stream) if (message.type === 'taskCreated') return message.task.taskId;
      throw new Error('no task was made');
    };
    const first = await begin();
    expect(await other.experimental.tasks.getTask(first)).toMatchObject({ taskId: first, status: 'working' });
    const { tasks } = await other.experimental.tasks.listTasks();
    expect(tasks.map(({ taskId }) => taskId)).toContain(first);
    const result = await other.experimental.tasks.getTaskResult(first, CallToolResultSchema);
    expect(JSON.stringify(result)).toContain('Research Report: y');
    const second = await begin();
    expect(await other.experimental.tasks.cancelTask(second)).toMatchObject({ taskId: second, status: 'cancelled' });
    expect(await one.experimental.tasks.getTask(second)).toMatchObject({ status: 'cancelled' });
    for (const client of clients) await client.close();
  });

  test('of a worker that was killed is failed, in words that say why', { timeout: LONG }, async () => {
    const client = new ModernClient(lab.url, CAPABILITIES);
    const { taskId } = (await client.call(RESEARCH, { topic: 'z', ambiguous: true })) as { taskId: string };
    const worker = Number(taskId[1]);
    process.kill((await lab.workers()).get(worker)!, 'SIGKILL');
    const look = () => client.result('tasks/get', { params: { taskId } });
    await lab.gateway.waitForLog((line) => line.msg === 'worker is back' && line.worker === worker, 20_000);
    for (let i = 0; i < 3; i++)
      expect(await look()).toMatchObject({
        taskId,
        status: 'failed',
        error: { message: expect.stringContaining('restarted') },
      });
  });
});

test('a URI that a modern client was shown by one worker is read through the other', { timeout: LONG }, async () => {
  const client = new ModernClient(lab.url);
  for (let i = 0; i < 6; i++) {
    const uri = `secret://of-nobody-else/${i}`;
    expect(await client.call('linking__link', { uri })).toMatchObject({ content: [{ uri }] });
    // the other one is told within a moment
    await poll(async () => {
      const answers = [
        await client.ask('resources/read', { params: { uri } }),
        await client.ask('resources/read', { params: { uri } }),
      ];
      return answers.every((answer) => answer.messages.at(-1)?.result);
    }).toBe(true);
  }
});
