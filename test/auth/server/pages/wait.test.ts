/** How long somebody has to wait, as people say it. */
import { expect, test } from 'vitest';
import { inWords } from '../../../../src/auth/server/pages/wait.ts';

test.each([
  [0.2, 'in 1 second'],
  [1, 'in 1 second'],
  [2, 'in 2 seconds'],
  [120, 'in 120 seconds'],
  [121, 'in 3 minutes'],
  [900, 'in 15 minutes'],
])('%d s are %s', (seconds, words) => expect(inWords(seconds)).toBe(words));
