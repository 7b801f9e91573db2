/** The JSON Schema of the config file, for editors: what may be written, before interpolation and defaults. */
import { z } from 'zod';
import { addExamples } from './examples.ts';
import type { JsonSchema } from './json-schema-node.ts';
import { configSchema } from './schema.ts';

const PLACEHOLDER = '\\$\\{(env|file|secret):[^}]+\\}';

/** Draft 2020-12 schema of the file an admin writes. A new object every time. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema;
  const { $schema, ...rest } = editable(schema);
  addExamples(rest, '');
  if (rest.$defs?.upstream !== undefined) addExamples(rest.$defs.upstream, 'upstreams.*');
  return { $schema, title: 'Patchbay config', description: 'Settings of the Patchbay MCP gateway.', ...rest };
}

/** The text of `config/patchbay.schema.json`; the same schema always gives the same text. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

/** Every value that interpolation can produce may also be written as a placeholder. */
function editable(node: JsonSchema): JsonSchema {
  const { properties, additionalProperties, items, $defs, anyOf, ...rest } = node;
  const [only, empty] = anyOf ?? [];
  if (only !== undefined && empty?.type === 'null') {
    return { ...rest, ...editable(only), type: [...[only.type ?? 'object'].flat(), 'null'] };
  }
  const result: JsonSchema = withPlaceholder(rest);
  if (anyOf !== undefined) result.anyOf = anyOf.map(editable);
  if (properties !== undefined) result.properties = mapValues(properties, editable);
  if (additionalProperties !== undefined) {
    const open = typeof additionalProperties === 'object';
    result.additionalProperties = open ? editable(additionalProperties) : additionalProperties;
  }
  if (items !== undefined) result.items = editable(items);
  if ($defs !== undefined) result.$defs = mapValues($defs, editable);
  return result;
}

function withPlaceholder(node: JsonSchema): JsonSchema {
  if (node.enum !== undefined) {
    const { type, enum: values, ...rest } = node;
    return {
      ...rest,
      anyOf: [
        { type: 'string', enum: values },
        { type: 'string', pattern: `^${PLACEHOLDER}$` },
      ],
    };
  }
  if (node.type === 'integer' || node.type === 'boolean') {
    return { ...node, type: [node.type, 'string'], pattern: `^${PLACEHOLDER}$` };
  }
  return typeof node.pattern === 'string' ? { ...node, pattern: `${node.pattern}|${PLACEHOLDER}` } : node;
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
