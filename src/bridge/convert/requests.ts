/** What upstreams ask, as clients of older versions know it. */
import type { InputRequest } from '../../protocol/call.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The request for a client of a version.
 * @returns `undefined` when there is no way to ask such a client this; the same request when nothing is to be changed
 */
export function requestFor(version: string, request: InputRequest): InputRequest | undefined {
  const { method, params } = request;
  if (version >= '2025-11-25' || !params) return request;
  const values = JSON.parse(params.toString('utf8')) as Json;
  const changed =
    method === 'elicitation/create'
      ? elicitation(values)
      : method === 'sampling/createMessage'
        ? sampling(values)
        : values;
  if (changed === values) return request;
  return changed && { method, params: Buffer.from(JSON.stringify(changed)) };
}

/** Forms of 2025-06-18: no titled choices, no choice of several, no defaults but of booleans. */
function elicitation({ mode: _, requestedSchema, ...params }: Json): Json | undefined {
  if (!isObject(requestedSchema)) return { requestedSchema, ...params };
  const { $schema: _s, properties, ...schema } = requestedSchema;
  if (!isObject(properties)) return { ...params, requestedSchema: { ...schema, properties } };
  const plain: Json = {};
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue;
    const { default: usual, oneOf, ...rest } = property;
    if (property.type === 'array') return undefined;
    plain[name] = {
      ...rest,
      ...titled(oneOf),
      ...(property.type === 'boolean' && usual !== undefined ? { default: usual } : {}),
    };
  }
  return { ...params, requestedSchema: { ...schema, properties: plain } };
}

function titled(oneOf: unknown): Json {
  if (!Array.isArray(oneOf)) return {};
  const options = oneOf.filter(isObject);
  return {
    enum: options.map((option) => option.const),
    enumNames: options.map(({ title, const: value }) => title ?? value),
  };
}

/** Messages before 2025-11-25 hold one block each, and no use of tools. */
function sampling(params: Json): Json | undefined {
  const { messages } = params;
  if (!Array.isArray(messages) || !messages.some((message) => isObject(message) && Array.isArray(message.content)))
    return usesTools(messages) ? undefined : params;
  const split = messages.flatMap((message: unknown) =>
    isObject(message) && Array.isArray(message.content)
      ? message.content.map((content: unknown) => ({ ...message, content }))
      : [message],
  );
  return usesTools(split) ? undefined : { ...params, messages: split };
}

const usesTools = (messages: unknown): boolean =>
  Array.isArray(messages) &&
  messages.some(
    (message) =>
      isObject(message) &&
      isObject(message.content) &&
      ['tool_use', 'tool_result'].includes(String(message.content.type)),
  );
