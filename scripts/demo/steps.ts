/** The steps of the demo between connecting and leaving. Each checks what comes back; nothing it writes stays behind. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ROOT } from './gateway.ts';
import { type Tell, Unexpected } from './report.ts';

interface Step {
  readonly title: string;
  run(client: Client, tell: Tell): Promise<void>;
}

/** The upstreams of config/patchbay.yaml. */
const UPSTREAMS = ['everything', 'everything-http', 'files', 'memory'] as const;
/** Where a resource belongs whose URI only one upstream can own, and which is shown unqualified for that reason. */
const SCHEMES: Readonly<Record<string, string>> = { 'memory:': 'memory' };

export async function connect(client: Client, transport: StreamableHTTPClientTransport, tell: Tell): Promise<void> {
  tell.sent('initialize');
  // the SDK declares `sessionId` in two ways that exactOptionalPropertyTypes tells apart
  await client.connect(transport as Transport);
  const server = client.getServerVersion();
  tell.got(`${server?.name} ${server?.version}, protocol version ${transport.protocolVersion}`);
  same('the name of the server', server?.name, 'patchbay');
}

export const steps: readonly Step[] = [
  { title: 'List what the upstreams offer', run: listEverything },
  { title: 'Call a tool over stdio', run: (client, tell) => sum(client, tell, 'everything', 19, 23) },
  { title: 'Call the same tool over HTTP', run: (client, tell) => sum(client, tell, 'everything-http', 7, 5) },
  { title: 'Read a file through the filesystem server', run: readSample },
  { title: 'Write to the knowledge graph and read it back', run: remember },
  { title: 'Get a prompt', run: prompt },
  { title: 'Complete an argument', run: complete },
  { title: 'Read a resource', run: resource },
  { title: 'Watch the progress of a slow tool', run: progress },
];

async function listEverything(client: Client, tell: Tell): Promise<void> {
  tell.sent('tools/list, prompts/list, resources/list');
  const { tools } = await client.listTools();
  const { prompts } = await client.listPrompts();
  const { resources } = await client.listResources();
  tell.got(`${tools.length} tools, ${prompts.length} prompts, ${resources.length} resources`);
  const of = (upstream: string, names: readonly string[], owner: (name: string) => string | undefined) =>
    names.filter((name) => owner(name) === upstream).length;
  const named = (name: string) => UPSTREAMS.find((upstream) => name.startsWith(`${upstream}__`));
  const rows = UPSTREAMS.map((upstream) => ({
    upstream,
    tools: of(
      upstream,
      tools.map((t) => t.name),
      named,
    ),
    prompts: of(
      upstream,
      prompts.map((p) => p.name),
      named,
    ),
    resources: of(
      upstream,
      resources.map((r) => r.uri),
      uriOwner,
    ),
  }));
  tell.table([['upstream', 'tools', 'prompts', 'resources'], ...rows.map((row) => Object.values(row))]);
  for (const row of rows) {
    if (row.tools > 0) continue;
    throw new Unexpected(`there is no tool of "${row.upstream}"; the demo needs the upstreams of config/patchbay.yaml`);
  }
  for (const row of rows.filter((r) => r.upstream.startsWith('everything'))) {
    if (row.prompts > 0 && row.resources > 0) continue;
    throw new Unexpected(`"${row.upstream}" should have prompts and resources; it has ${JSON.stringify(row)}`);
  }
}

async function sum(client: Client, tell: Tell, upstream: string, a: number, b: number): Promise<void> {
  const { text } = await callTool(client, tell, `${upstream}__get-sum`, { a, b });
  same('the answer', text, `The sum of ${a} and ${b} is ${a + b}.`);
}

async function readSample(client: Client, tell: Tell): Promise<void> {
  const { text } = await callTool(client, tell, 'files__read_text_file', { path: 'welcome.md' });
  same('the file', text, await readFile(join(ROOT, 'config', 'sample', 'welcome.md'), 'utf8'));
}

async function remember(client: Client, tell: Tell): Promise<void> {
  const entity = {
    name: `demo ${process.pid}-${Date.now()}`,
    entityType: 'demo',
    observations: ['passed through Patchbay'],
  };
  await callTool(client, tell, 'memory__create_entities', { entities: [entity] });
  try {
    const { data } = await callTool(client, tell, 'memory__open_nodes', { names: [entity.name] });
    same('what the graph knows', data.entities, [entity]);
  } finally {
    await callTool(client, tell, 'memory__delete_entities', { entityNames: [entity.name] });
  }
}

async function prompt(client: Client, tell: Tell): Promise<void> {
  const params = { name: 'everything__args-prompt', arguments: { city: 'Reykjavik' } };
  tell.sent(`prompts/get ${params.name} ${JSON.stringify(params.arguments)}`);
  const { messages } = await client.getPrompt(params);
  const content = messages[0]?.content;
  const text = content?.type === 'text' ? content.text : JSON.stringify(content);
  tell.got(text);
  same('the message', text, "What's weather in Reykjavik?");
}

async function complete(client: Client, tell: Tell): Promise<void> {
  const argument = { name: 'department', value: 'E' };
  tell.sent(`completion/complete everything__completable-prompt ${JSON.stringify(argument)}`);
  const ref = { type: 'ref/prompt', name: 'everything__completable-prompt' } as const;
  const { completion } = await client.complete({ ref, argument });
  tell.got(completion.values.join(', '));
  same('the suggestions', completion.values, ['Engineering']);
}

async function resource(client: Client, tell: Tell): Promise<void> {
  const { resources } = await client.listResources();
  const listed = resources.find(({ uri }) => uriOwner(uri) === 'everything');
  if (!listed) throw new Unexpected('"everything" lists no resource');
  tell.sent(`resources/read ${listed.uri}`);
  const [content, ...more] = (await client.readResource({ uri: listed.uri })).contents;
  if (!content || !('text' in content)) throw new Unexpected(`expected text, got ${JSON.stringify(content)}`);
  tell.got(content.text);
  same('the URI in the answer', content.uri, listed.uri);
  same('the number of contents', more.length + 1, 1);
  // each of these documents begins with its own title
  if (!content.text.startsWith('# Everything Server'))
    throw new Unexpected(`${basename(listed.uri)} begins with ${JSON.stringify(content.text.slice(0, 40))}`);
}

async function progress(client: Client, tell: Tell): Promise<void> {
  const args = { duration: 1, steps: 4 };
  const seen: number[] = [];
  const { text } = await callTool(client, tell, 'everything-http__trigger-long-running-operation', args, (step) => {
    tell.got(`progress ${step.progress} of ${step.total}`);
    seen.push(step.progress);
  });
  same('the progress', seen, [1, 2, 3, 4]);
  same('the answer', text, 'Long running operation completed. Duration: 1 seconds, Steps: 4.');
}

type OnProgress = (step: { progress: number; total?: number | undefined }) => void;

/** @returns the text of the result's first block and its structured content. @throws Unexpected when the tool failed */
async function callTool(
  client: Client,
  tell: Tell,
  name: string,
  args: Record<string, unknown>,
  onprogress?: OnProgress,
): Promise<{ text: string; data: Record<string, unknown> }> {
  tell.sent(`tools/call ${name} ${JSON.stringify(args)}`);
  const options = onprogress ? { onprogress } : {};
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  const [block] = result.content as { type: string; text?: string }[];
  const text = block?.text ?? '';
  if (result.isError) throw new Unexpected(`${name} answered with an error: ${text}`);
  tell.got(text);
  return { text, data: (result.structuredContent ?? {}) as Record<string, unknown> };
}

/** `mcp+NAME:…` names its upstream, where more than one could own the URI. */
const uriOwner = (uri: string): string | undefined => /^mcp\+([^:]+):/.exec(uri)?.[1] ?? SCHEMES[new URL(uri).protocol];

function same(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Unexpected(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}
