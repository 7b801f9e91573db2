/** A call that came from a modern client, and the exchange that it is answered on. */
import type { ServerResponse } from 'node:http';
import { Park } from '../bridge/park.ts';
import { Fault } from '../errors.ts';
import { isSole } from '../methods/context.ts';
import { parkHost } from '../methods/parking.ts';
import type {
  Call,
  ClientFacts,
  Continuation,
  Deadline,
  Exchange,
  Outcome,
  Outlet,
  Principal,
  Round,
  Sink,
  Target,
} from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import type { Span } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import type { Params } from '../protocol/params.ts';
import { type LogLevel, logFor } from '../sessions/log-level.ts';
import { dispatch } from './dispatch.ts';
import type { Asked, Gateway } from './gateway.ts';
import { ModernExchange } from './modern-exchange.ts';

export class ModernCall implements Call, Sink {
  readonly principal: Principal;
  readonly client: ClientFacts;
  readonly session = undefined;
  readonly method: string;
  readonly id: string;
  readonly message: Message;
  readonly edits: Edit[] = [];
  readonly paramHeaders: Readonly<Record<string, string>>;
  readonly logLevel: string | undefined;
  params!: Params;
  progressToken: Span | undefined;
  continuation: Continuation | undefined;
  headers: Readonly<Record<string, string>> | undefined;
  target: Target | undefined;
  scope: string | undefined;
  deadline: Deadline | undefined;
  sink: Sink = this;
  ended = false;
  lacking: string | undefined;
  oncancel: ((reason: string | undefined) => void) | undefined;
  #onpressure: ((full: boolean) => void) | undefined;
  readonly #gateway: Gateway;
  /** The exchange that it is answered on now; `undefined` while it waits for its client to come back. */
  #exchange: Exchange | undefined;
  #park: Park | undefined;
  /** Whether its answer is passed on already, while it comes. */
  #passing = false;

  constructor(gateway: Gateway, { principal, client, message, logLevel, paramHeaders }: Asked, exchange: Exchange) {
    this.#gateway = gateway;
    this.principal = principal;
    this.client = client;
    this.message = message;
    this.method = message.method!;
    this.id = exchange.id;
    this.logLevel = logLevel;
    this.paramHeaders = paramHeaders;
    this.attach(exchange);
    gateway.modernCalls.add(this);
  }

  get shownToken(): string | undefined {
    return this.#exchange?.token;
  }

  get onpressure(): ((full: boolean) => void) | undefined {
    return this.#onpressure;
  }

  set onpressure(listener: ((full: boolean) => void) | undefined) {
    this.#onpressure = listener;
    if (this.#exchange) this.#exchange.onpressure = listener;
  }

  /** Gives it an exchange to be answered on. */
  attach(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.onpressure = this.#onpressure;
    exchange.ongone = () => {
      if (this.#exchange !== exchange) return;
      this.#exchange = undefined;
      if (this.#park) this.#park.left();
      else this.cancel('the client closed the connection');
    };
  }

  /** Takes the exchange from it, which is answered otherwise. */
  detach(): Exchange | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange) {
      exchange.ongone = undefined;
      exchange.onpressure = undefined;
    }
    // nobody is there to be slow
    this.#onpressure?.(false);
    return exchange;
  }

  readonly surrender = (): Exchange => {
    const exchange = this.detach()!;
    this.#end();
    return exchange;
  };

  get present(): boolean {
    return this.#exchange !== undefined;
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  /** Nobody wants the answer any more: the upstream is told. */
  cancel(reason: string): void {
    if (this.ended) return;
    this.#end();
    this.#park?.drop();
    const withdraw = this.oncancel;
    this.oncancel = undefined;
    withdraw?.(reason);
  }

  /** The gateway ends before the answer is there. */
  cutOff(): void {
    this.#cut('the gateway is shutting down', 'cutOff');
  }

  /** The credentials that it was made with are good no more. */
  takeBack(): void {
    this.#cut('its credentials were taken back', 'takenBack');
  }

  #cut(reason: string, fault: 'cutOff' | 'takenBack'): void {
    if (this.ended) return;
    const exchange = this.detach();
    this.cancel(reason);
    exchange?.done({ kind: 'error', error: new Fault(fault, { method: this.method }) });
  }

  progress(notification: Buffer): void {
    if (!this.#passing) this.#exchange?.progress(notification);
  }

  log(notification: Message): void {
    const exchange = this.#exchange;
    if (this.ended || this.#passing || exchange?.logLevel === undefined) return;
    const label = isSole(this.#gateway.context) ? undefined : this.target?.upstream;
    const message = logFor(notification, exchange.logLevel as LogLevel, label);
    if (message) exchange.log(message);
  }

  away(): void {
    // there is no coming back to this stream
  }

  input(round: Round): void {
    if (this.ended || this.#passing) return round.abandon('the call is over');
    this.#park ??= new Park(this, parkHost(this.#gateway.context, this));
    this.#park.raise(round);
  }

  done(outcome: Outcome): void {
    if (this.ended) return;
    this.#end();
    if (this.#park) this.#park.done(outcome);
    else this.detach()?.done(outcome);
  }

  outlet(): Outlet | undefined {
    // what was asked in the course of it may have ended the exchange, or may be about to
    const exchange = this.#park || this.ended ? undefined : this.#exchange;
    const open = exchange?.outlet();
    if (!exchange || !open) return undefined;
    return {
      id: exchange.id,
      open: () => {
        this.#passing = true;
        return open(() => this.ended || this.#end());
      },
    };
  }

  #end(): void {
    this.ended = true;
    this.#gateway.modernCalls.delete(this);
  }
}

/** Serves a request that is answered once. */
export function serveModern(gateway: Gateway, asked: Asked, raw: ServerResponse): void {
  const exchange = new ModernExchange(gateway, asked, raw);
  dispatch(gateway.context, new ModernCall(gateway, asked, exchange));
}
