import { expect } from 'vitest';
import type { Exchange } from './exchange.ts';

/**
 * Expects a refusal before dispatch: this HTTP status, and a JSON-RPC error with this code, without an `id` member
 * unless the request's was readable.
 * @param says what its message has to say
 * @param id of the request, where it is to be echoed
 */
export function expectRefusal(answer: Exchange, status: number, code: number, says = /./, id?: string | number): void {
  const { error, jsonrpc } = answer.message;
  expect({ status: answer.status, code: error?.code, jsonrpc }, answer.text).toEqual({ status, code, jsonrpc: '2.0' });
  expect(answer.type).toBe('application/json');
  expect(error?.message).toMatch(says);
  if (id === undefined) expect(answer.message).not.toHaveProperty('id');
  else expect(answer.message).toHaveProperty('id', id);
}
