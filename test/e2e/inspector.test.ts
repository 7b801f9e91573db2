/** MCP Inspector's command line, as a person would use it, against the built gateway. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './cli-process.ts';
import { type DefaultGateway, startDefaultGateway, UPSTREAMS } from './default-gateway.ts';

let gateway: DefaultGateway;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'patchbay-inspector-'));
  gateway = await startDefaultGateway();
});
afterAll(async () => {
  await gateway?.stop();
  await rm(home, { recursive: true, force: true });
});

/** The result of one method. @throws Error with what it wrote when it does not end with 0 */
async function inspect(...args: string[]): Promise<Record<string, unknown>> {
  const script = join('node_modules', '.bin', 'mcp-inspector');
  const command = ['--cli', gateway.url, '--transport', 'http', '--format', 'json', '--quiet', ...args];
  command.push('--header', `Authorization: Bearer ${gateway.key}`);
  const { code, stdout, stderr } = await run(command, { script, env: { HOME: home } });
  if (code !== 0) throw new Error(`mcp-inspector ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return (JSON.parse(stdout) as { result: Record<string, unknown> }).result;
}

describe('MCP Inspector', () => {
  it('lists the tools of every upstream', async () => {
    const { tools } = (await inspect('--method', 'tools/list')) as { tools: { name: string }[] };
    expect(new Set(tools.map(({ name }) => name.split('__')[0]))).toEqual(new Set(UPSTREAMS));
  });

  it('finds no fault with the schemas of the tools', async () => {
    await expect(inspect('--method', 'tools/list', '--strict')).resolves.toHaveProperty('tools');
  });

  it('calls a tool', async () => {
    const args = ['--tool-name', 'everything-http__get-sum', '--tool-arg', 'a=19', 'b=23'];
    const { content } = await inspect('--method', 'tools/call', ...args);
    expect(content).toEqual([{ type: 'text', text: 'The sum of 19 and 23 is 42.' }]);
  });

  it('gets a prompt', async () => {
    const args = ['--prompt-name', 'everything__args-prompt', '--prompt-args', 'city=Reykjavik'];
    const { messages } = await inspect('--method', 'prompts/get', ...args);
    expect(messages).toMatchObject([{ content: { text: expect.stringContaining('Reykjavik') } }]);
  });

  it('lists the resources and reads one of them', async () => {
    const { resources } = (await inspect('--method', 'resources/list')) as { resources: { uri: string }[] };
    const uri = 'memory://knowledge-graph';
    expect(resources.map((r) => r.uri)).toContain(uri);
    const { contents } = await inspect('--method', 'resources/read', '--uri', uri);
    expect(contents).toMatchObject([{ uri, text: expect.stringContaining('entities') }]);
  });

  it('finds its way when it asks for the modern era first', async () => {
    const { prompts } = await inspect('--method', 'prompts/list', '--protocol-era', 'auto');
    expect(prompts).toContainEqual(expect.objectContaining({ name: 'everything__simple-prompt' }));
  });

  it('ends with an error when the tool is not there', async () => {
    await expect(inspect('--method', 'tools/call', '--tool-name', 'no_such_tool')).rejects.toThrow('no_such_tool');
  });
});
