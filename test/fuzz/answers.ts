/** What any answer of the gateway's front door has to be, whatever was sent. */
import { expect } from 'vitest';
import type { RawReply } from './raw-http.ts';
import { shown } from './texts.ts';

/** Statuses that refuse a request; nothing that a client sends is the gateway's own fault (5xx). */
const REFUSALS = [400, 404, 405, 406, 408, 411, 413, 415, 417, 431];

/** One message of an answer. */
export interface Answer {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
}

/** How places in the gateway's own code look, which are nobody's business. */
const INSIDE = /\bat \S+ \(|\.[jt]s:\d+|node_modules|\/dist\//;

/**
 * Checks an answer to a POST and takes it apart.
 * @param sent what it answers, for the error
 * @returns its messages
 * @throws Error when no client could make sense of it
 */
export function readAnswer(reply: RawReply, sent: Buffer | string): Answer[] {
  const told = `HTTP ${reply.status} ${shown(reply.body)} to ${shown(sent)}`;
  expect(reply.complete, `no end: ${told}`).toBe(true);
  expect([200, 202, ...REFUSALS], told).toContain(reply.status);
  if (reply.status === 202) {
    expect(reply.body, told).toBe('');
    return [];
  }
  const messages = reply.type === 'text/event-stream' ? eventsOf(reply.body) : bodyOf(reply.body, told);
  for (const message of messages) expectMessage(message, told);
  if (reply.status !== 200) expect(messages, told).toMatchObject([{ error: {} }]);
  return messages;
}

function expectMessage(message: Answer, told: string): void {
  expect(message.jsonrpc, told).toBe('2.0');
  expect(['string', 'number', 'undefined'], told).toContain(typeof message.id);
  if (message.error === undefined) return;
  expect(Number.isInteger(message.error.code), told).toBe(true);
  expect(message.error.message, told).toEqual(expect.any(String));
  expect(message.error.message, told).not.toMatch(INSIDE);
  expect(message.error.message, told).not.toContain('Internal error in the gateway');
}

function bodyOf(body: string, told: string): Answer[] {
  try {
    const value = JSON.parse(body) as Answer | Answer[];
    return Array.isArray(value) ? value : [value];
  } catch {
    throw new Error(`the body is no JSON: ${told}`);
  }
}

/** The messages of an event stream; priming events and comments hold none. */
function eventsOf(body: string): Answer[] {
  const data = body.split('\n').filter((line) => line.startsWith('data: {'));
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as Answer);
}
