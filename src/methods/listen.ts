/** What a modern client listens to, set up at the upstreams before the client is told that it is heard. */
import { ask } from '../upstreams/ask.ts';
import { mergeCapabilities } from './capabilities.ts';
import { isSole, type MethodContext, missingFor, settled, type Viewer } from './context.ts';
import { noteDenied } from './denied.ts';
import type { Listener, ListName } from './listeners.ts';
import { resolveResource } from './resolve.ts';
import { gatewayLessee, leaseFor } from './scope.ts';
import { dropSubscriptions } from './subscribe.ts';
import { openTask } from './task-ids.ts';

/** What a client wants to hear of, or what is agreed to. */
export interface Filter {
  readonly lists: readonly ListName[];
  /** As the client knows them. */
  readonly uris: readonly string[];
  /** Likewise, ids of tasks. */
  readonly tasks: readonly string[];
}

/** How long is waited for upstreams to agree, milliseconds; what is later is left out. */
const PATIENCE = 2_000;

/** @returns what is agreed to: the client hears of every change of it from now on */
export async function attach(context: MethodContext, listener: Listener, wanted: Filter): Promise<Filter> {
  await settled(context, listener);
  const complete = missingFor(context, listener).length === 0;
  const capabilities = mergeCapabilities(context.view(listener).catalogs, complete, isSole(context));
  const lists = wanted.lists.filter((list) => Object.hasOwn(capabilities, list));
  const following = lists.length > 0 ? within(followLists(context, listener, lists), undefined) : undefined;
  const [uris, tasks] = await Promise.all([
    Promise.all(wanted.uris.map((uri) => subscribeTo(context, listener, uri))),
    Promise.all(wanted.tasks.map((task) => followTask(context, listener, task))),
  ]);
  await following;
  return { lists, uris: wanted.uris.filter((_, i) => uris[i]), tasks: wanted.tasks.filter((_, i) => tasks[i]) };
}

/** Nobody listens there any more. */
export function detach(context: MethodContext, id: string): void {
  dropSubscriptions(context, id);
  context.taskListeners.drop(id);
}

/** Sees to it that upstreams which tell of changes have somebody to tell. */
async function followLists(context: MethodContext, viewer: Viewer, lists: readonly ListName[]): Promise<void> {
  const { audience } = viewer.client;
  const tellers = context
    .view(viewer)
    .catalogs.filter(({ server }) =>
      lists.some((list) => (server.capabilities[list] as { listChanged?: unknown } | undefined)?.listChanged === true),
    );
  await Promise.all(
    tellers.map(async ({ upstream }) => {
      const shared = context.upstreams.get(upstream)?.sharing === 'shared';
      const scoped = shared ? '' : audience;
      const { scope } = gatewayLessee(context, upstream, scoped);
      const open = context.pool.peek(upstream, scope);
      const link = open ?? (await context.pool.lease(upstream, gatewayLessee(context, upstream, scoped)));
      await link.attached();
      // what changed while nobody listened
      if (!open) await context.catalogs.refresh(upstream, audience);
    }),
  ).catch(() => undefined);
}

async function subscribeTo(context: MethodContext, listener: Listener, uri: string): Promise<boolean> {
  const { id } = listener;
  const owner = resolveResource(context, listener, uri);
  if (!owner) noteDenied(context, { ...listener, method: 'subscriptions/listen' }, resolveResource, uri);
  const catalog = owner && context.view(listener).catalogs.find(({ upstream }) => upstream === owner.upstream);
  const { subscribe } = (catalog?.server.capabilities.resources ?? {}) as { subscribe?: unknown };
  if (!owner || subscribe !== true) return false;
  const lessee = leaseFor(context, listener, owner.upstream);
  const link = { upstream: owner.upstream, scope: lessee.scope };
  const first = context.subscriptions.add(link, owner.name, id);
  const agreeing = async (): Promise<boolean> => {
    const open = await context.pool.lease(owner.upstream, lessee);
    await open.attached();
    if (first) await ask(open, 'resources/subscribe', { uri: owner.name });
    context.subscriptions.agreed(link, owner.name);
    return true;
  };
  const agreed = await within(
    agreeing().catch(() => false),
    false,
  );
  if (!agreed) context.subscriptions.remove(link, owner.name, id);
  return agreed;
}

async function followTask(context: MethodContext, listener: Listener, text: string): Promise<boolean> {
  const name = openTask(context, listener, text);
  if (!name) return false;
  const { upstream, id } = name;
  if (upstream === undefined) {
    if (!context.tasks.get(id, listener.principal)) return false;
    context.taskListeners.add(name, listener.id, () => undefined);
    return true;
  }
  if (!context.upstreams.has(upstream) || !context.view(listener).concerns(upstream)) return false;
  const following = async (): Promise<boolean> => {
    const link = await context.pool.lease(upstream, leaseFor(context, listener, upstream));
    context.taskListeners.add(name, listener.id, await link.followTask(id));
    return true;
  };
  return within(
    following().catch(() => false),
    false,
  );
}

async function within<T>(promise: Promise<T>, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<T>((done) => {
    timer = setTimeout(() => done(late), PATIENCE);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
