/** A JSON Schema as it is read: its nodes, and the one of a path. */

/** A JSON Schema node, as far as this project reads one. */
export interface JsonSchema {
  [keyword: string]: unknown;
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  $defs?: Record<string, JsonSchema>;
  $ref?: string;
}

/** The schema of the value at a path, or undefined when the path leaves the schema. */
export function schemaAt(root: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  let node: JsonSchema | undefined = root;
  for (const key of path) {
    const { properties, additionalProperties, items }: JsonSchema = node;
    if (typeof key === 'number') node = items;
    else if (properties !== undefined) node = Object.hasOwn(properties, key) ? properties[String(key)] : undefined;
    else node = typeof additionalProperties === 'object' ? additionalProperties : undefined;
    const definition: string | undefined = node?.$ref?.replace('#/$defs/', '');
    if (definition !== undefined) node = root.$defs?.[definition];
    if (node === undefined) return undefined;
  }
  return node;
}
