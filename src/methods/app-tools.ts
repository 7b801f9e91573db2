/**
 * Tools that an app calls by the name its server gave them: the view of an MCP App knows nothing of exposed names
 * (extension io.modelcontextprotocol/ui).
 */
import type { NameTarget } from '../namespace/names.ts';
import type { Call } from '../protocol/call.ts';
import type { Catalog, CatalogItem } from '../upstreams/catalog.ts';
import { itemNamed } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';

/**
 * The tool that a name nobody exposes is meant for: one that apps may call, of an upstream whose app this principal has
 * opened, and the only such.
 */
export function appTool(
  context: MethodContext,
  viewer: Pick<Call, 'client' | 'principal'>,
  name: string,
): NameTarget | undefined {
  const found = context.view(viewer).catalogs.filter((catalog) => {
    const tool = itemNamed(catalog.items.tools, name);
    return tool && isForApps(tool) && context.apps.has(viewer.principal.key, catalog.upstream);
  });
  return found.length === 1 ? { upstream: (found[0] as Catalog).upstream, name } : undefined;
}

/** Whether views may call it: those of an app may unless it says otherwise. */
function isForApps(tool: CatalogItem): boolean {
  if (tool.raw.indexOf('"ui') < 0) return false;
  const { _meta } = JSON.parse(tool.raw.toString('utf8')) as {
    _meta?: { ui?: { visibility?: unknown } | null } | null;
  };
  const ui = _meta?.ui;
  if (typeof ui !== 'object' || ui === null) return false;
  return !Array.isArray(ui.visibility) || ui.visibility.includes('app');
}
