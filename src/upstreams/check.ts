/** A look at one upstream, as a gateway that starts would take it: what it is, what it lists, how long that takes. */
import type { Logger } from '../telemetry/log.ts';
import type { ItemKind } from './catalog.ts';
import { type FetchLimits, fetchCatalog } from './catalog-fetch.ts';
import { Connector } from './connector.ts';
import type { Link, LinkListener } from './link.ts';
import type { UpstreamSpec } from './spec.ts';

/** What was found. */
export type UpstreamCheck =
  | {
      readonly ok: true;
      readonly era: string;
      /** The protocol version that was agreed on. */
      readonly protocol: string;
      /** As the server calls itself. */
      readonly server: string;
      readonly version: string;
      readonly items: Readonly<Record<ItemKind, number>>;
      /** Milliseconds until the link was open, its process started. */
      readonly opened: number;
      /** Milliseconds until everything was listed. */
      readonly listed: number;
    }
  /** In words, without secrets. */
  | { readonly ok: false; readonly error: string };

const nothing = (): void => undefined;

const DEAF: LinkListener = {
  listChanged: nothing,
  missed: nothing,
  log: nothing,
  input: (round) => round.abandon('no client is behind this link'),
  updated: nothing,
  tasked: nothing,
  elicited: nothing,
  answered: nothing,
  silent: nothing,
  closed: nothing,
};

/**
 * Starts or connects to it, lists everything, and leaves it again. Resolves when nothing of it is left running.
 * @param version of this package
 */
export async function checkUpstream(
  spec: UpstreamSpec,
  limits: FetchLimits,
  version: string,
  log: Logger,
): Promise<UpstreamCheck> {
  const connector = new Connector({ ...spec, spares: 0 }, log);
  const leaving: Promise<void>[] = [];
  const started = performance.now();
  const since = (): number => Math.round(performance.now() - started);
  let link: Link | undefined;
  try {
    const client = { audience: '', capabilities: {}, info: { name: 'patchbay', version } };
    link = await connector.open(client, DEAF, { leaving: (closing) => void leaving.push(closing) });
    const opened = since();
    const { items } = await fetchCatalog(link, limits, log);
    const { era, version: protocol, info } = link.server;
    return {
      ok: true,
      era,
      protocol,
      server: String(info.name ?? ''),
      version: String(info.version ?? ''),
      items: {
        tools: items.tools.length,
        prompts: items.prompts.length,
        resources: items.resources.length,
        resourceTemplates: items.resourceTemplates.length,
      },
      opened,
      listed: since(),
    };
  } catch (error) {
    return { ok: false, error: connector.mask((error as Error).message) };
  } finally {
    await link?.close();
    await connector.close();
    await Promise.allSettled(leaving);
  }
}
