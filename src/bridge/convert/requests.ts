/** What upstreams ask, as clients of older versions know it. */
import type { InputRequest } from '../../protocol/call.ts';
import { isObjectAt } from '../../protocol/json/scan.ts';
import { elicitationFor } from './elicitation.ts';
import { samplingFor } from './sampling.ts';

/**
 * The request for a client of a version.
 * @returns `undefined` when there is no way to ask such a client this; the same request when nothing is to be changed
 */
export function requestFor(version: string, request: InputRequest): InputRequest | undefined {
  const { method, params } = request;
  const convert = CONVERT.get(method);
  if (!convert || !params || !isObjectAt(params, 0)) return request;
  const changed = convert(version, params);
  if (changed === params) return request;
  return changed && { method, params: changed };
}

const CONVERT: ReadonlyMap<string, (version: string, params: Buffer) => Buffer | undefined> = new Map([
  ['elicitation/create', elicitationFor],
  ['sampling/createMessage', samplingFor],
]);
