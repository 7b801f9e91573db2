import { describe, expect, test } from 'vitest';
import { accepts, allowedHeaders, EXPOSED_HEADERS, SERVED_METHODS } from '../../src/protocol/headers.ts';

const FIXED =
  'Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Last-Event-ID, DPoP, X-API-Key, Mcp-Method, Mcp-Name, ' +
  'traceparent, tracestate, baggage';

describe('what a browser may send', () => {
  test('a fixed list', () => {
    expect(allowedHeaders(undefined)).toBe(FIXED);
    expect(allowedHeaders('')).toBe(FIXED);
  });

  test('and every Mcp-Param-* it asks for, as it spelled it', () => {
    expect(allowedHeaders('content-type, mcp-param-region ,Mcp-Param-X_Y')).toBe(
      `${FIXED}, mcp-param-region, Mcp-Param-X_Y`,
    );
  });

  test.each(['x-other', 'mcp-param-', 'x-mcp-param-a', 'mcp-param-a b', 'mcp-param-é', 'mcp-param-a\r\nSet-Cookie: b'])(
    'but not %j',
    (name) => expect(allowedHeaders(name)).toBe(FIXED),
  );
});

test('what it may read, and how it may ask', () => {
  expect(EXPOSED_HEADERS.split(', ')).toEqual([
    'Mcp-Session-Id',
    'WWW-Authenticate',
    'Retry-After',
    'MCP-Protocol-Version',
  ]);
  expect(SERVED_METHODS).toBe('POST, GET, DELETE, OPTIONS');
});

describe('Accept', () => {
  test.each([
    [undefined, true],
    ['', true],
    ['*/*', true],
    ['application/json', true],
    ['application/*', true],
    ['APPLICATION/JSON', true],
    ['application/json;q=0.9, text/event-stream', true],
    [' text/html ,application/json ; charset=utf-8', true],
    ['text/event-stream', false],
    ['text/*', false],
    ['application/jsonp', false],
    ['application/json-patch+json', false],
    ['json', false],
  ])('%j takes application/json: %j', (accept, taken) => {
    expect(accepts(accept, 'application/json')).toBe(taken);
  });

  test('of event streams', () => {
    expect(accepts('text/event-stream', 'text/event-stream')).toBe(true);
    expect(accepts('text/*', 'text/event-stream')).toBe(true);
    expect(accepts('application/json', 'text/event-stream')).toBe(false);
  });
});
