import { expect } from 'vitest';
import type { Exchange } from './exchange.ts';

/**
 * Expects a refusal before dispatch: this HTTP status, and a JSON-RPC error with this code and no `id` member at all
 *.
 * @param says what its message has to say
 */
export function expectRefusal(answer: Exchange, status: number, code: number, says = /./): void {
  const { error, jsonrpc } = answer.message;
  expect({ status: answer.status, code: error?.code, jsonrpc }, answer.text).toEqual({ status, code, jsonrpc: '2.0' });
  expect(answer.type).toBe('application/json');
  expect(error?.message).toMatch(says);
  expect(answer.message).not.toHaveProperty('id');
}
