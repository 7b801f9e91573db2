/** Which requests may be sent once more when it is unknown whether the upstream has carried them out. */
import type { Call } from '../protocol/call.ts';
import { itemNamed } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';

/** They read and change nothing. */
const READING = new Set(['prompts/get', 'resources/read', 'completion/complete']);

/** Whether carrying out a call twice makes no difference: it only reads, or its tool says so in its annotations. */
export function isRepeatable(context: MethodContext, call: Call): boolean {
  if (READING.has(call.method)) return true;
  const { target } = call;
  if (call.method !== 'tools/call' || !target) return false;
  const catalog = context.view(call).catalogs.find(({ upstream }) => upstream === target.upstream);
  const tool = catalog && itemNamed(catalog.items.tools, target.name);
  if (!tool) return false;
  const { annotations } = JSON.parse(tool.raw.toString('utf8')) as {
    annotations?: { readOnlyHint?: unknown; idempotentHint?: unknown } | null;
  };
  return annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
}
