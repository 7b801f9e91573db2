/** Tasks where client and upstream do not know the same kind, in front of real servers of both. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { ModernClient, TASKS } from './modern-client.ts';
import { startModern } from './scripted-modern.ts';
import { tool } from './scripted-upstream.ts';

const RESEARCH = 'everything__simulate-research-query';
const LONG = 30_000;

let fixture: HttpFixture;
let gateway: Gateway;
let asked: object[];

beforeAll(async () => {
  fixture = await startFixture('eras-server', { args: ['modern'] });
  const everything = { command: 'node_modules/.bin/mcp-server-everything' };
  gateway = await startGateway({ config: { upstreams: { everything, modern: { url: fixture.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await fixture?.stop();
});

async function legacyClient(): Promise<Client> {
  asked = [];
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params);
    return { action: 'accept', content: { interpretation: 'technical', ok: true } };
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)) as Transport);
  return client;
}

const textOf = (result: unknown): string => (result as { content: { text: string }[] }).content[0]!.text;

describe('a legacy client', () => {
  test('#136 #142 #143 gets a task of a legacy tool: one id in all answers, its question, and the result by it', {
    timeout: LONG,
  }, async () => {
    const client = await legacyClient();
    const params = { name: RESEARCH, arguments: { topic: 'x', ambiguous: true } };
    const stream = client.experimental.tasks.callToolStream(params, CallToolResultSchema, { task: { ttl: 60_000 } });
    const ids = new Set<string>();
    let result: unknown;
    for await (const message of stream) {
      if (message.type === 'taskCreated' || message.type === 'taskStatus') ids.add(message.task.taskId);
      if (message.type === 'result') result = message.result;
    }
    expect(textOf(result)).toContain('technical');
    const { tasks } = await client.experimental.tasks.listTasks();
    expect(ids).toEqual(new Set(tasks.map(({ taskId }) => taskId)));
    const related = { 'io.modelcontextprotocol/related-task': { taskId: [...ids][0] } };
    expect(result).toMatchObject({ _meta: related });
    expect(asked).toMatchObject([{ _meta: related }]);
    await expect(client.experimental.tasks.cancelTask([...ids][0]!)).rejects.toMatchObject({ code: -32602 });
    await client.close();
  });

  test('#142 gets a task of a tool of a modern upstream that answers at once', { timeout: LONG }, async () => {
    const client = await legacyClient();
    const pushed: unknown[] = [];
    client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => void pushed.push(params.status));
    const params = { name: 'modern__test_simple_text', arguments: {} };
    const stream = client.experimental.tasks.callToolStream(params, CallToolResultSchema, { task: { ttl: 60_000 } });
    const seen: string[] = [];
    for await (const message of stream) {
      seen.push(message.type);
      if (message.type === 'result') expect(textOf(message.result)).toContain('simple text');
    }
    expect(seen[0]).toBe('taskCreated');
    expect(seen.at(-1)).toBe('result');
    await expect.poll(() => pushed).toContain('completed');
    await client.close();
  });

  test('#140 sees a tool that says it failed as a failed task', { timeout: LONG }, async () => {
    const client = await legacyClient();
    const params = { name: 'modern__test_error_handling', arguments: {} };
    const stream = client.experimental.tasks.callToolStream(params, CallToolResultSchema, { task: { ttl: 60_000 } });
    let id = '';
    for await (const message of stream) if (message.type === 'taskCreated') id = message.task.taskId;
    await expect.poll(async () => (await client.experimental.tasks.getTask(id)).status).toBe('failed');
    expect(await client.experimental.tasks.getTaskResult(id, CallToolResultSchema)).toMatchObject({ isError: true });
    await client.close();
  });

  test('that asks for none waits for what a modern upstream makes a task of, and is asked what that asks', {
    timeout: LONG,
  }, async () => {
    const client = await legacyClient();
    const slow = await client.callTool({ name: 'modern__slow_compute', arguments: { seconds: 0.3 } });
    expect(textOf(slow)).toBe('computed for 0.3 s');
    const deleted = await client.callTool({ name: 'modern__confirm_delete', arguments: { filename: 'a.txt' } });
    expect(textOf(deleted)).toContain('a.txt: ');
    expect(asked).toHaveLength(1);
    await expect(client.callTool({ name: 'modern__protocol_error_job', arguments: {} })).rejects.toThrow('it broke');
    expect(await client.callTool({ name: 'modern__failing_job', arguments: {} })).toMatchObject({ isError: true });
    await client.close();
  });

  test('that asks for none waits for a legacy tool that insists on a task', { timeout: LONG }, async () => {
    const client = await legacyClient();
    const result = await client.callTool({ name: RESEARCH, arguments: { topic: 'y', ambiguous: false } });
    expect(textOf(result)).toContain('Research Report: y');
    expect(JSON.stringify(result)).not.toContain('related-task');
    await client.close();
  });
});

describe('a modern client', () => {
  test('#141 #145 with the extension gets a task of a legacy tool that insists on one, and answers what it asks', {
    timeout: LONG,
  }, async () => {
    const client = new ModernClient(gateway.url, { elicitation: { form: {} }, extensions: { [TASKS]: {} } });
    const created = await client.call(RESEARCH, { topic: 'z', ambiguous: true });
    expect(created).toMatchObject({ resultType: 'task', status: 'working', ttlMs: expect.any(Number) });
    for (const key of ['ttl', 'pollInterval', 'result', 'inputRequests', 'requestState'])
      expect(created).not.toHaveProperty(key);
    const { taskId } = created;
    const look = () => client.result('tasks/get', { params: { taskId } });
    await expect.poll(async () => (await look()).status, { timeout: 20_000 }).toBe('input_required');
    const waiting = await look();
    expect(waiting.taskId).toBe(taskId);
    const [[key, request]] = Object.entries(waiting.inputRequests as object) as [[string, { method: string }]];
    expect(request.method).toBe('elicitation/create');
    const answer = { [key]: { action: 'accept', content: { interpretation: 'technical' } } };
    expect(await client.result('tasks/update', { params: { taskId, inputResponses: answer } })).toMatchObject({
      resultType: 'complete',
    });
    expect((await look()).inputRequests).toBeUndefined();
    await expect.poll(async () => (await look()).status, { timeout: 20_000 }).toBe('completed');
    const done = await look();
    expect(textOf(done.result)).toContain('technical');
    expect(JSON.stringify(done)).not.toContain('related-task');
  });

  test('#144 cancels a task, twice', { timeout: LONG }, async () => {
    const client = new ModernClient(gateway.url, { extensions: { [TASKS]: {} } });
    const { taskId } = await client.call(RESEARCH, { topic: 'z', ambiguous: false });
    for (let i = 0; i < 2; i++)
      expect(await client.result('tasks/cancel', { params: { taskId } })).toMatchObject({ resultType: 'complete' });
    expect(await client.result('tasks/get', { params: { taskId } })).toMatchObject({ status: 'cancelled' });
  });

  test('#139 without the extension waits for the result, and has no tasks', { timeout: LONG }, async () => {
    const client = new ModernClient(gateway.url);
    expect(textOf(await client.call(RESEARCH, { topic: 'w', ambiguous: false }))).toContain('Research Report: w');
    const get = await client.ask('tasks/get', { params: { taskId: 'x' } });
    expect([get.status, get.message.error?.code]).toEqual([400, -32021]);
    for (const method of ['tasks/list', 'tasks/result']) {
      const answer = await client.ask(method);
      expect([answer.status, answer.message.error?.code]).toEqual([404, -32601]);
    }
  });

  test('#137 #138 an id that is not one of its tasks, or not the one in the header', async () => {
    const client = new ModernClient(gateway.url, { extensions: { [TASKS]: {} } });
    const { taskId } = await client.call('modern__slow_compute', { seconds: 5 });
    const wrong = await client.ask('tasks/get', { params: { taskId }, headers: { 'mcp-name': 'other' } });
    expect([wrong.status, wrong.message.error?.code]).toEqual([400, -32020]);
    for (const other of ['x', `${String(taskId)}A`, `A${String(taskId)}`]) {
      const answer = await client.ask('tasks/get', { params: { taskId: other } });
      expect(answer.message.error).toEqual({ code: -32602, message: `Unknown task: ${other}` });
    }
  });
});

describe('a modern client that listens to a task', () => {
  const ACK = 'notifications/subscriptions/acknowledged';
  const listen = async (client: ModernClient, taskIds: unknown[]) => {
    const reply = await client.send('subscriptions/listen', { params: { notifications: { taskIds } } });
    await reply.waitFor(({ method }) => method === ACK);
    return reply;
  };

  test('hears of one that is hosted here, to its end', { timeout: LONG }, async () => {
    const client = new ModernClient(gateway.url, { extensions: { [TASKS]: {} } });
    const { taskId } = await client.call(RESEARCH, { topic: 'v', ambiguous: false });
    const reply = await listen(client, [taskId, 'nobody\u2019s']);
    expect(reply.messages[0]!.params).toMatchObject({ notifications: { taskIds: [taskId] } });
    const end = await reply.waitFor(({ params }) => params?.status === 'completed', 20_000);
    expect(end).toMatchObject({ method: 'notifications/tasks', params: { taskId } });
    expect(textOf(end.params!.result)).toContain('Research Report: v');
    await reply.close();
  });

  test('hears of one of a modern upstream, under the id it knows', async () => {
    const upstream = await startModern({
      tools: [tool('job')],
      capabilities: { extensions: { [TASKS]: {} } },
      handlers: { 'tools/call': () => ({ resultType: 'task', taskId: 'mine', status: 'working', ttlMs: null }) },
    });
    const other = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
    try {
      const client = new ModernClient(other.url, { extensions: { [TASKS]: {} } });
      const { taskId } = await client.call('up__job');
      const reply = await listen(client, [taskId]);
      expect(upstream.of('subscriptions/listen').at(-1)!.params).toMatchObject({
        notifications: { taskIds: ['mine'] },
      });
      upstream.push('notifications/tasks', { taskId: 'other', status: 'failed' });
      upstream.push('notifications/tasks', { taskId: 'mine', status: 'completed', result: { content: [] } });
      const told = await reply.waitFor(({ method }) => method === 'notifications/tasks');
      expect(told.params).toMatchObject({ taskId, status: 'completed', result: { content: [] } });
      expect(reply.messages).toHaveLength(2);
      await reply.close();
      const { status, message } = await new ModernClient(other.url).ask('subscriptions/listen', {
        params: { notifications: { taskIds: [taskId] } },
      });
      expect([status, message.error?.code]).toEqual([400, -32021]);
    } finally {
      await other.stop();
      await upstream.close();
    }
  });
});
