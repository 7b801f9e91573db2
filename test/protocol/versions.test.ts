import { describe, expect, test } from 'vitest';
import {
  BATCH_VERSION,
  isLegacyVersion,
  isModernVersion,
  LATEST_LEGACY,
  LEGACY_VERSIONS,
  negotiate,
} from '../../src/protocol/versions.ts';

describe('eras', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('%s is legacy', (version) => {
    expect(isLegacyVersion(version)).toBe(true);
    expect(isModernVersion(version)).toBe(false);
  });

  test.each(['2026-07-28', '2026-07-29', '2031-01-01', 'v999.0.0', 'DRAFT-2026', '2026-7-28', '', '2.0'])(
    '%j is modern',
    (version) => {
      expect(isLegacyVersion(version)).toBe(false);
      expect(isModernVersion(version)).toBe(true);
    },
  );

  test.each(['2024-10-07', '2025-11-24', '2026-07-27', '1900-01-01'])(
    '%s is neither: a date before the modern era that was no version',
    (version) => {
      expect(isLegacyVersion(version)).toBe(false);
      expect(isModernVersion(version)).toBe(false);
    },
  );
});

describe('negotiation', () => {
  test.each([...LEGACY_VERSIONS])('%s is agreed to', (version) => expect(negotiate(version)).toBe(version));

  test.each(['2026-07-28', '2024-10-07', 'latest', '', undefined, null, 20251125, ['2025-11-25'], {}])(
    '%j gets the newest legacy version',
    (version) => expect(negotiate(version)).toBe('2025-11-25'),
  );
});

test('the versions with a meaning of their own', () => {
  expect(LATEST_LEGACY).toBe('2025-11-25');
  expect(LEGACY_VERSIONS.at(-1)).toBe(LATEST_LEGACY);
  expect(BATCH_VERSION).toBe('2025-03-26');
});
