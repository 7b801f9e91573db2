/** subscriptions/listen: an event stream that goes on until one side ends it (2026-07-28, subscriptions). */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Fault } from '../errors.ts';
import { serverInfo } from '../methods/context.ts';
import { attach, detach, type Filter } from '../methods/listen.ts';
import type { Listener, ListName } from '../methods/listeners.ts';
import { takesTasks, tasksNeeded } from '../methods/offers-tasks.ts';
import type { ClientFacts, Principal } from '../protocol/call.ts';
import { composeError, composeResult, rawId } from '../protocol/message.ts';
import { SERVER_KEY, SUBSCRIPTION_KEY } from '../protocol/meta.ts';
import type { Params } from '../protocol/params.ts';
import { ModernStream } from '../sessions/modern-stream.ts';
import { whenExpired } from './expiry.ts';
import type { Asked, Gateway } from './gateway.ts';

const LISTS: readonly ListName[] = ['tools', 'prompts', 'resources'];
/** The most resources, and the most tasks, that one client may listen to at once. */
const MOST = 1_000;

class ModernListen implements Listener {
  readonly id = `listen:${randomUUID()}`;
  readonly session = undefined;
  readonly principal: Principal;
  readonly client: ClientFacts;
  readonly #gateway: Gateway;
  readonly #stream: ModernStream;
  /** The id of the request, as it was spelled. */
  readonly #request: string;
  /** What was agreed to; nothing is sent before the client knows that. */
  #agreed: Filter | undefined;
  /** What has changed before that. */
  #early: (() => void)[] = [];

  constructor(gateway: Gateway, { principal, client, message }: Asked, raw: ServerResponse, over: () => void) {
    this.#gateway = gateway;
    this.principal = principal;
    this.client = client;
    this.#request = rawId(message)!;
    const { log, timing } = gateway;
    const told = { client: client.info?.name };
    this.#stream = new ModernStream(raw, {
      patience: gateway.patience,
      hold: 0,
      keepAlive: timing.streams.interval,
      gone: () => undefined,
      over: () => {
        timing.modern.delete(this.#stream);
        over();
      },
      left: (counts) =>
        log.warn({ ...told, ...counts }, 'notifications to a client were left out, it reads too slowly'),
      cut: () => log.warn(told, 'a connection was cut off, since its client does not read'),
    });
    timing.modern.add(this.#stream);
  }

  get over(): boolean {
    return this.#stream.ended;
  }

  acknowledge(agreed: Filter): void {
    const flags = Object.fromEntries(agreed.lists.map((list) => [`${list}ListChanged`, true]));
    const notifications = {
      ...flags,
      ...(agreed.uris.length > 0 ? { resourceSubscriptions: agreed.uris } : {}),
      ...(agreed.tasks.length > 0 ? { taskIds: agreed.tasks } : {}),
    };
    this.#send('notifications/subscriptions/acknowledged', { notifications });
    this.#agreed = agreed;
    for (const tell of this.#early.splice(0)) tell();
  }

  listChanged(list: ListName): void {
    if (!this.#agreed) return void this.#early.push(() => this.listChanged(list));
    if (this.#agreed.lists.includes(list)) this.#send(`notifications/${list}/list_changed`, {});
  }

  updated(params: Readonly<Record<string, unknown>>): void {
    if (!this.#agreed) return void this.#early.push(() => this.updated(params));
    this.#send('notifications/resources/updated', params);
  }

  tasked(params: Readonly<Record<string, unknown>>): void {
    if (!this.#agreed) return void this.#early.push(() => this.tasked(params));
    this.#send('notifications/tasks', params);
  }

  end(): void {
    const meta = `{"${SUBSCRIPTION_KEY}":${this.#request},"${SERVER_KEY}":${serverInfo(this.#gateway.context, this.client)}}`;
    this.#stream.finish([composeResult(this.#request, `{"resultType":"complete","_meta":${meta}}`)], 200);
  }

  refuse(fault: Fault): void {
    this.#stream.finish([composeError(this.#request, fault)], fault.status === 200 ? 400 : fault.status);
  }

  /** The id is spelled as the client did, which no number of JavaScript may hold. */
  #send(method: string, { _meta, ...params }: Readonly<Record<string, unknown>>): void {
    const { [SUBSCRIPTION_KEY]: _, ...meta } = (_meta ?? {}) as Record<string, unknown>;
    const more = Object.keys(meta).length > 0 ? `,${JSON.stringify(meta).slice(1, -1)}` : '';
    const rest = Object.keys(params).length > 0 ? `,${JSON.stringify(params).slice(1, -1)}` : '';
    const text = `{"_meta":{"${SUBSCRIPTION_KEY}":${this.#request}${more}}${rest}}`;
    this.#stream.send(Buffer.from(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${text}}`));
  }
}

export function openListen(gateway: Gateway, asked: Asked, params: Params, raw: ServerResponse): void {
  const { context } = gateway;
  let leave: (() => void) | undefined;
  const listen = new ModernListen(gateway, asked, raw, () => {
    context.listeners.delete(listen.id);
    detach(context, listen.id);
    leave?.();
    stop();
  });
  const stop = whenExpired(
    () => asked.principal,
    () => listen.end(),
  );
  try {
    const wanted = filterOf(params.value('notifications'));
    if (wanted.tasks.length > 0 && !takesTasks(asked)) throw tasksNeeded();
    leave = context.sessions.claim(asked.principal);
    context.listeners.set(listen.id, listen);
    gateway.listening(listen);
    attach(context, listen, wanted).then(
      (agreed) => {
        if (listen.over) detach(context, listen.id);
        else listen.acknowledge(agreed);
      },
      (error: unknown) => {
        gateway.log.error({ err: error }, 'a listen could not be set up');
        listen.refuse(new Fault('internal'));
      },
    );
  } catch (error) {
    listen.refuse(error instanceof Fault ? error : new Fault('internal'));
  }
}

/** @throws Fault `invalidParams` */
function filterOf(value: unknown): Filter {
  const wrong = (detail: string): Fault => new Fault('invalidParams', { method: 'subscriptions/listen', detail });
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('"notifications" must be an object');
  const filter = value as Record<string, unknown>;
  for (const list of LISTS) {
    const flag = filter[`${list}ListChanged`];
    if (flag !== undefined && typeof flag !== 'boolean') throw wrong(`"${list}ListChanged" must be a boolean`);
  }
  const strings = (key: string): string[] => {
    const { [key]: list = [] } = filter;
    if (!Array.isArray(list) || list.some((text) => typeof text !== 'string'))
      throw wrong(`"${key}" must be an array of strings`);
    if (list.length > MOST) throw wrong(`"${key}" holds more than ${MOST} entries`);
    return [...new Set(list as string[])];
  };
  return {
    lists: LISTS.filter((list) => filter[`${list}ListChanged`] === true),
    uris: strings('resourceSubscriptions'),
    tasks: strings('taskIds'),
  };
}
