/** What a modern upstream says of itself (2026-07-28, `server/discover`). */
import { code } from '../errors.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import { type Message, valueAt } from '../protocol/message.ts';
import { SERVER_KEY } from '../protocol/meta.ts';
import { isSupportedModern, MODERN_VERSIONS } from '../protocol/versions.ts';
import { WireFault } from './wire.ts';

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** Whether an answer to `server/discover` has the shape of its result. */
export function isDiscovery({ bytes, result }: Message): boolean {
  if (!result) return false;
  const { supportedVersions, capabilities } = asObject(valueAt(bytes, result));
  return Array.isArray(supportedVersions) && typeof capabilities === 'object' && capabilities !== null;
}

/**
 * Reads a result of `server/discover`.
 * @throws WireFault when it names no version that is spoken here
 */
export function readDiscovery({ bytes, result }: Message): ServerFacts {
  const { supportedVersions, capabilities, instructions, _meta } = asObject(valueAt(bytes, result!));
  const version = commonVersion(supportedVersions);
  if (version === undefined) throw unsupported(supportedVersions);
  return {
    era: 'modern',
    version,
    capabilities: asObject(capabilities),
    info: asObject(asObject(_meta)[SERVER_KEY]),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

/** The newest version on a peer's list that is spoken here. */
export const commonVersion = (listed: unknown): string | undefined =>
  Array.isArray(listed) ? MODERN_VERSIONS.find((version) => listed.includes(version)) : undefined;

/** The version to go on with after an error that says that another is not supported; `undefined` for other errors. */
export function versionAfter({ bytes, error }: Message): string | undefined {
  const { code: number, data } = asObject(error && valueAt(bytes, error));
  if (number !== code.unsupportedVersion) return undefined;
  const version = commonVersion(asObject(data).supported);
  return isSupportedModern(version) ? version : undefined;
}

/** Errors of a modern server for requests that are not of its era. */
const NOT_MODERN: ReadonlySet<unknown> = new Set([code.headerMismatch, code.unsupportedVersion]);

/** Whether an answer is an error by which a modern server refuses requests of the legacy era. */
export const isModernRefusal = ({ bytes, error }: Message): boolean =>
  NOT_MODERN.has(asObject(error && valueAt(bytes, error)).code);

/** Errors by which servers of the legacy era refuse requests that name no session, or a version unknown to them. */
const NOT_LEGACY: ReadonlySet<unknown> = new Set([code.generic, code.generic - 1, code.invalidRequest]);

/** Whether an answer may be that of a legacy server to a request of the modern era. */
export const isLegacyRefusal = ({ bytes, error }: Message): boolean =>
  error !== undefined && NOT_LEGACY.has(asObject(valueAt(bytes, error)).code);

/** The failure to find a version that both sides speak. */
export const unsupported = (listed: unknown): WireFault =>
  new WireFault(`it speaks the versions ${JSON.stringify(listed)}, none of which is known here`, { unsent: true });
