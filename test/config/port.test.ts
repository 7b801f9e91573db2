import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapePort, fillPort, hasPort, unescapePort } from '../../src/config/port.ts';

const PORT = `\${port}`;

test('fills every place, and leaves an escaped one as the text itself', () => {
  expect(fillPort(`http://127.0.0.1:${PORT}/a?b=${PORT}`, 4711)).toBe('http://127.0.0.1:4711/a?b=4711');
  expect(fillPort(`$${PORT} and ${PORT}`, 4711)).toBe(`${PORT} and 4711`);
});

test('tells a place from an escaped one', () => {
  expect(hasPort(`--port=${PORT}`)).toBe(true);
  expect(hasPort(`--port=$${PORT}`)).toBe(false);
  expect(hasPort('--port=$port {port}')).toBe(false);
});

test('escaped text survives filling and unescaping unchanged, whatever it holds', () => {
  const text = fc.array(fc.constantFrom('$', PORT, '{port}', 'a'), { maxLength: 6 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (secret) => {
      expect(hasPort(escapePort(secret))).toBe(false);
      expect(fillPort(escapePort(secret), 4711)).toBe(secret);
      expect(unescapePort(escapePort(secret))).toBe(secret);
    }),
  );
});
