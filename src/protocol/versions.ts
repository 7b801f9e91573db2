/** Protocol versions and eras. */

export type Era = 'legacy' | 'modern';

/** The versions with an `initialize` handshake, oldest first. */
export const LEGACY_VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;

export type LegacyVersion = (typeof LEGACY_VERSIONS)[number];

export const LATEST_LEGACY: LegacyVersion = '2025-11-25';

/** The only version with JSON-RPC batches. */
export const BATCH_VERSION: LegacyVersion = '2025-03-26';

/** The versions without sessions, newest first. */
export const MODERN_VERSIONS = ['2026-07-28'] as const;

export const LATEST_MODERN: string = MODERN_VERSIONS[0];

const FIRST_MODERN = '2026-07-28';
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export const isLegacyVersion = (version: string): version is LegacyVersion =>
  (LEGACY_VERSIONS as readonly string[]).includes(version);

/**
 * Whether a version string belongs to the modern era: not a legacy one, and either 2026-07-28 or later or no date at all,
 * so that an unknown spelling is answered with the modern version error.
 */
export const isModernVersion = (version: string): boolean =>
  !isLegacyVersion(version) && (!DATE.test(version) || version >= FIRST_MODERN);

export const isSupportedModern = (version: unknown): version is string =>
  (MODERN_VERSIONS as readonly unknown[]).includes(version);

/** Answers a legacy handshake: the version asked for when it is one of ours, else the newest legacy one. */
export const negotiate = (requested: unknown): LegacyVersion =>
  typeof requested === 'string' && isLegacyVersion(requested) ? requested : LATEST_LEGACY;
