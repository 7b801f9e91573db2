/** What the gateway declares to clients, from what it knows of its upstreams. */
import { TASKS_EXTENSION } from '../protocol/meta.ts';
import type { Catalog } from '../upstreams/catalog.ts';
import { isSole, type MethodContext, type Viewer } from './context.ts';
import { offersTasks } from './offers-tasks.ts';

/** Extensions that need nothing of the gateway but to be passed on. */
const ROUTED_EXTENSIONS = new Set(['io.modelcontextprotocol/ui', TASKS_EXTENSION]);

/** Instructions longer than this are cut, in characters per upstream. */
const LONGEST_INSTRUCTIONS = 4_000;

/**
 * @param catalogs the known ones
 * @param complete whether every upstream is among them; if not, nothing that may still come is left out
 * @param sole whether exactly one upstream is configured, whose further capabilities then show through
 */
export function mergeCapabilities(
  catalogs: readonly Catalog[],
  complete: boolean,
  sole: boolean,
): Record<string, unknown> {
  const has = (name: string): boolean => catalogs.some((c) => Object.hasOwn(c.server.capabilities, name));
  const merged: Record<string, unknown> = {};
  for (const name of ['tools', 'prompts', 'resources'])
    if (!complete || has(name)) merged[name] = { listChanged: true };
  if (merged.resources && (!complete || subscribable(catalogs)))
    merged.resources = { subscribe: true, listChanged: true };
  if (!complete || has('logging')) merged.logging = {};
  if (has('completions') || catalogs.some((c) => c.server.version === '2024-11-05')) merged.completions = {};
  const extensions: Record<string, unknown> = {};
  for (const { server } of catalogs) {
    for (const [name, settings] of Object.entries(asObject(server.capabilities.extensions)))
      if (sole || ROUTED_EXTENSIONS.has(name)) extensions[name] ??= settings;
  }
  if (Object.keys(extensions).length > 0) merged.extensions = extensions;
  if (catalogs.some(({ server }) => offersTasks(server))) {
    merged.tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
    extensions[TASKS_EXTENSION] ??= {};
    merged.extensions = extensions;
  }
  const [first] = catalogs;
  if (sole && first && has('experimental')) merged.experimental = first.server.capabilities.experimental;
  return merged;
}

const subscribable = (catalogs: readonly Catalog[]): boolean =>
  catalogs.some(({ server }) => asObject(server.capabilities.resources).subscribe === true);

/** What somebody is told of how to use what is here: by the profile, else by the upstreams that it sees. */
export function instructionsFor(context: MethodContext, viewer: Viewer): string | undefined {
  const own = context.profiles.get(viewer.client.profile)?.instructions;
  return own ?? mergeInstructions(context.view(viewer).catalogs, isSole(context), context.separator);
}

/** One block per upstream that has instructions, headed by its name; verbatim when it is the only upstream. */
function mergeInstructions(
  catalogs: readonly Catalog[],
  sole: boolean,
  separator: string | undefined,
): string | undefined {
  const blocks = catalogs.flatMap(({ upstream, server }) =>
    server.instructions ? [{ upstream, text: server.instructions }] : [],
  );
  if (blocks.length === 0) return undefined;
  if (sole) return blocks[0]!.text;
  const preamble =
    separator === undefined
      ? 'This server brings several MCP servers together.'
      : `This server brings several MCP servers together. Tool and prompt names start with the name of their server and "${separator}"; the instructions below use the names without it.`;
  const parts = blocks.map(({ upstream, text }) => `## ${upstream}\n\n${shorten(text)}`);
  return [preamble, ...parts].join('\n\n');
}

const shorten = (text: string): string =>
  text.length > LONGEST_INSTRUCTIONS ? `${text.slice(0, LONGEST_INSTRUCTIONS)}…` : text;

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
