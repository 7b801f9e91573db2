/** An example for each key that has no default to learn from, for editors and the reference. */
import type { JsonSchema } from './json-schema-node.ts';

/** By the end of the key's path; the longest one that fits holds. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  $schema: './patchbay.schema.json',
  'server.publicUrl': 'https://mcp.example.com',
  'server.allowedHosts': ['mcp.internal'],
  'server.allowedOrigins': ['https://app.example.com'],
  'server.trustProxy': ['10.0.0.0/8'],
  'auth.mode': ['embedded', 'apiKeys'],
  'auth.scopes.required': ['mcp'],
  'rules[].methods': ['tools/call'],
  'rules[].upstreams': ['github'],
  'rules[].items': ['delete_*'],
  'rules[].scopes': ['github:write'],
  'scopes.includes': { admin: ['github:write'] },
  'jwt[].issuer': 'https://login.example.com',
  jwksUri: 'https://login.example.com/jwks',
  audience: 'https://mcp.example.com/mcp',
  'claims.scopes': 'scp',
  'claims.client': 'azp',
  'claims.tenant': 'tid',
  'introspection[].issuer': 'https://login.example.com',
  'introspection[].endpoint': 'https://login.example.com/introspect',
  clientId: 'patchbay',
  clientSecret: '${secret:client-secret}',
  'embedded.users': 'users.yaml',
  'federation.issuer': 'https://accounts.google.com',
  'federation.name': 'Google',
  'federation.domains': ['example.com'],
  allowAddresses: ['10.1.0.0/16'],
  upstreams: { files: { command: 'mcp-server-filesystem', args: ['/srv/files'] } },
  mcpServers: { docs: { type: 'http', url: 'https://docs.example.com/mcp' } },
  servers: { docs: { type: 'http', url: 'https://docs.example.com/mcp' } },
  '*.command': 'npx',
  '*.args': ['-y', '@modelcontextprotocol/server-everything'],
  '*.env': { LOG_LEVEL: 'debug', API_KEY: '${env:API_KEY}' },
  '*.cwd': '/srv/docs',
  '*.url': 'https://docs.example.com/mcp',
  '*.headers': { Authorization: 'Bearer ${secret:docs-token}' },
  'items.tools': { 'delete_*': { hide: true } },
  'items.prompts': { greet: { title: 'Greeting' } },
  'items.resources': { 'file:///private/*': { hide: true } },
  'items.resourceTemplates': { 'file:///{path}': { title: 'Files' } },
  '*.title': 'Search the docs',
  '*.description': 'Finds pages by words.',
  '*.name': 'search_docs',
  '*.arguments': { region: { value: 'eu' } },
  '*.value': 'eu',
  '*.timeout': '30s',
  '*.maxResultSize': '100KiB',
  '*.rate': '60/1m',
  profiles: { research: { include: ['docs/*'] } },
  'profiles.*.title': 'Research',
  'profiles.*.instructions': 'Search the docs before you answer.',
  'profiles.*.include': ['docs/*', 'github/get_*'],
  'profiles.*.exclude': ['docs/delete_*'],
  'profiles.*.scopes': ['research'],
  'policy[].name': 'developers read',
  'policy[].allow': ['github/*'],
  'policy[].deny': ['github/delete_*'],
  'policy[].kinds': ['tools'],
  '.users': ['ada@example.com'],
  '.groups': ['developers'],
  '.clients': ['https://claude.ai/*'],
  '.issuers': ['https://login.example.com'],
  'policy[].scopes': ['github:write'],
  'unless.scopes': ['github:write'],
  '.claims': { department: ['sales'] },
  'policy[].profiles': ['research'],
  'unless.profiles': ['research'],
  'pins.file': 'pins.json',
  'names.hosts': ['claude', 'cursor'],
  'storage.key': '${env:PATCHBAY_KEY}',
  'storage.folder': '/var/lib/patchbay',
  'secrets.folders': ['/etc/patchbay/secrets'],
};

/** Longest first. */
const ENDS = Object.keys(EXAMPLES).sort((a, b) => b.length - a.length);

/** The example of a key, by its path such as `auth.jwt[].issuer`; undefined where there is none. */
export function exampleOf(path: string): unknown {
  const end = ENDS.find((one) => path === one || path.endsWith(/^[.*]/.test(one) ? one : `.${one}`));
  return end === undefined ? undefined : EXAMPLES[end];
}

/** Whether a key needs none: it has a default that shows something, or its type says all. */
export function speaksForItself({ default: preset, properties, items, anyOf, type }: JsonSchema): boolean {
  const empty = preset === undefined || (typeof preset === 'object' && Object.keys(preset ?? {}).length === 0);
  const choice = anyOf?.some((one) => Array.isArray(one.enum)) === true;
  return (
    !empty || choice || properties !== undefined || items?.properties !== undefined || [type].flat().includes('boolean')
  );
}

/** Adds the examples to a schema of the config. @param path of the node */
export function addExamples(node: JsonSchema, path: string): void {
  const example = path === '' || speaksForItself(node) ? undefined : exampleOf(path);
  if (example !== undefined) node.examples = [example];
  const { properties = {}, additionalProperties, items } = node;
  for (const [key, child] of Object.entries(properties)) addExamples(child, path === '' ? key : `${path}.${key}`);
  if (typeof additionalProperties === 'object') addExamples(additionalProperties, `${path}.*`);
  if (items?.properties !== undefined) addExamples(items, `${path}[]`);
}
