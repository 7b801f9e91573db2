/** What a modern client says of itself in the `_meta` of every request (2026-07-28, general fields). */
import { isObjectAt, type Member } from '../json/scan.ts';
import { type Message, valueAt } from '../message.ts';
import { CAPABILITIES_KEY, CLIENT_KEY, LEVEL_KEY, VERSION_KEY } from '../meta.ts';
import { only, type Params, ParamsError } from '../params.ts';

export interface Envelope {
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** The capabilities as they were spelled, which is quicker to compare. */
  readonly declared: string;
  readonly info: Readonly<Record<string, unknown>> | undefined;
  /** Of whatever type and value it came. */
  readonly logLevel: unknown;
}

/** @throws ParamsError when a member that must be there is missing or of the wrong type */
export function readEnvelope({ bytes }: Message, params: Params): Envelope {
  const { meta } = params;
  const version = only(meta, VERSION_KEY);
  const capabilities = only(meta, CAPABILITIES_KEY);
  const info = only(meta, CLIENT_KEY);
  const level = only(meta, LEVEL_KEY);
  const claim = version && valueAt(bytes, version);
  if (typeof claim !== 'string') throw new ParamsError(`params._meta["${VERSION_KEY}"] must be a string`);
  if (!isObject(bytes, capabilities)) throw new ParamsError(`params._meta["${CAPABILITIES_KEY}"] must be an object`);
  return {
    version: claim,
    capabilities: valueAt(bytes, capabilities) as Record<string, unknown>,
    declared: bytes.toString('utf8', capabilities.start, capabilities.end),
    info: isObject(bytes, info) ? (valueAt(bytes, info) as Record<string, unknown>) : undefined,
    logLevel: level && valueAt(bytes, level),
  };
}

const isObject = (bytes: Buffer, member: Member | undefined): member is Member =>
  member !== undefined && isObjectAt(bytes, member.start);
