/** Modern clients that listen (2026-07-28, subscriptions), beside the sessions of legacy ones. */
import type { ClientFacts, Principal } from '../protocol/call.ts';

/** The lists that clients are told changes of. */
export type ListName = 'tools' | 'prompts' | 'resources';

/** Who is told that a list has changed. */
export interface ListReader {
  readonly principal: Principal;
  readonly client: ClientFacts;
  listChanged(list: ListName): void;
}

export interface Listener extends ListReader {
  /** Unlike the id of any session. */
  readonly id: string;
  readonly principal: Principal;
  readonly client: ClientFacts;
  /** There are no sessions in this era. */
  readonly session: undefined;
  /** A resource has changed. @param params of the notification, with its URI in exposed form */
  updated(params: Readonly<Record<string, unknown>>): void;
  /** A task has changed. @param params of the notification, in the client's terms */
  tasked(params: Readonly<Record<string, unknown>>): void;
  /** Says that nothing follows, and hangs up. */
  end(): void;
}
