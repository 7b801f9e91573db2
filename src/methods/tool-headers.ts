/** The `Mcp-Param-*` headers of a tool call: judged as they came, and made as its upstream wants them. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { checkParamHeaders, type HeaderDecl, headerDecls, paramHeaders } from '../protocol/tool-headers.ts';
import { type Catalog, type CatalogItem, itemNamed } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';

/**
 * Sets the headers that the call goes out with.
 * @throws Fault `headerMismatch` when those that came do not say what the arguments say
 */
export function setHeaders(context: MethodContext, call: Call): void {
  const { message, params, paramHeaders: came } = call;
  const found = toolOf(context, call);
  const decls = found ? declsOf(found.tool) : [];
  if (decls.length === 0 && !came) return;
  const shown = found ? headerDecls(found.tool.raw).decls : [];
  const args = { bytes: message.bytes, at: params.find('arguments') };
  const wrong = came && checkParamHeaders(shown, args, came);
  if (wrong !== undefined) throw new Fault('headerMismatch', { detail: wrong });
  if (found?.catalog.server.era === 'legacy') return;
  const known = new Set(decls.map(({ header }) => header));
  // what the tool does not declare is for the upstream to judge
  const others = Object.entries(came ?? {}).filter(([name]) => !known.has(name));
  call.headers = { ...Object.fromEntries(others), ...paramHeaders(decls, call.arguments ?? args) };
}

/** The upstream's tool may have changed: looks again before the call is sent once more. */
export async function refreshHeaders(context: MethodContext, call: Call): Promise<void> {
  await context.catalogs.refresh(call.target!.upstream, call.client.audience);
  const found = toolOf(context, call);
  const args = call.arguments ?? { bytes: call.message.bytes, at: call.params.find('arguments') };
  call.headers = found && paramHeaders(declsOf(found.tool), args);
}

/** What the upstream declares, arguments that clients do not see included. */
const declsOf = ({ raw, shape }: CatalogItem): readonly HeaderDecl[] => headerDecls(shape?.source.raw ?? raw).decls;

function toolOf(context: MethodContext, call: Call): { catalog: Catalog; tool: CatalogItem } | undefined {
  const { upstream, name } = call.target!;
  const catalog = context.view(call).catalogs.find((known) => known.upstream === upstream);
  const tool = catalog && itemNamed(catalog.items.tools, name);
  return catalog && tool && { catalog, tool };
}
