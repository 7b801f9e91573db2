/** One HTTP exchange of a modern client, as a call sees it. */
import type { ServerResponse } from 'node:http';
import { serverInfo } from '../methods/context.ts';
import type { Drain, Exchange, Outcome } from '../protocol/call.ts';
import { isObjectAt, memberOf, members } from '../protocol/json/scan.ts';
import { rawId } from '../protocol/message.ts';
import { modernAnswer } from '../protocol/modern/answer.ts';
import { ModernStream } from '../sessions/modern-stream.ts';
import type { Asked, Gateway } from './gateway.ts';

export class ModernExchange implements Exchange {
  readonly id: string;
  readonly token: string | undefined;
  readonly logLevel: string | undefined;
  readonly capabilities: Readonly<Record<string, unknown>>;
  ongone: (() => void) | undefined;
  readonly #server: string;
  readonly #stream: ModernStream;
  #onpressure: ((full: boolean) => void) | undefined;

  constructor(gateway: Gateway, { client, message, logLevel }: Asked, raw: ServerResponse) {
    this.id = rawId(message)!;
    this.token = tokenOf(message);
    this.logLevel = logLevel;
    this.capabilities = client.capabilities;
    this.#server = serverInfo(gateway.context, client);
    const { timing, log } = gateway;
    const told = { client: client.info?.name, method: message.method };
    this.#stream = new ModernStream(raw, {
      patience: gateway.patience,
      // before proxies give up on it
      hold: timing.streams.interval / 2,
      keepAlive: timing.streams.interval,
      gone: () => this.ongone?.(),
      over: () => timing.modern.delete(this.#stream),
      left: (counts) =>
        log.warn({ ...told, ...counts }, 'messages to a client were left out, since it reads too slowly'),
      cut: () => log.warn(told, 'a connection was cut off, since its client does not read'),
    });
    timing.modern.add(this.#stream);
  }

  get over(): boolean {
    return this.#stream.ended;
  }

  get onpressure(): ((full: boolean) => void) | undefined {
    return this.#onpressure;
  }

  set onpressure(listener: ((full: boolean) => void) | undefined) {
    const { pressure } = this.#stream;
    if (this.#onpressure) pressure.delete(this.#onpressure);
    this.#onpressure = listener;
    if (!listener) return;
    pressure.add(listener);
    if (pressure.full) listener(true);
  }

  progress(notification: Buffer): void {
    this.#stream.send(notification, 'progress', this.token);
  }

  log(notification: Buffer): void {
    this.#stream.send(notification, 'log');
  }

  done(outcome: Outcome): void {
    const { body, status } = modernAnswer(this, outcome, this.#server);
    this.#stream.finish(body, status);
  }

  outlet(): ((over: () => void) => Drain) | undefined {
    return this.#stream.outlet();
  }

  abandon(): void {
    this.#stream.abandon();
  }
}

function tokenOf({ bytes, inParams }: Asked['message']): string | undefined {
  const meta = inParams && memberOf(inParams, '_meta');
  if (!meta || !isObjectAt(bytes, meta.start)) return undefined;
  const token = memberOf(members(bytes, meta.start), 'progressToken');
  return token && bytes.toString('utf8', token.start, token.end);
}
