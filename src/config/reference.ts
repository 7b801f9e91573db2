/** The configuration reference, `docs/configuration.md`: every key of the schema, after what holds for all of them. */
import { stringify } from 'yaml';
import { configJsonSchema } from './json-schema.ts';
import type { JsonSchema } from './json-schema-node.ts';
import { AT_NEXT_START, AT_ONCE } from './takes-effect.ts';

/** A key as the reference lists it. */
interface Row {
  readonly key: string;
  readonly node: JsonSchema;
}

/** The text of the page; the same schema always gives the same text. */
export function configReference(): string {
  const schema = configJsonSchema();
  const upstream = schema.$defs?.upstream ?? {};
  const sections = Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    if (name === '$schema' || name === 'mcpServers' || name === 'servers') return [];
    return [section(name, node, rowsOf(name === 'upstreams' ? { additionalProperties: upstream } : node, ''))];
  });
  return `${INTRO}\n${sections.join('\n')}`;
}

/** All keys of a schema with their paths: `server.port`, `upstreams.*.timeouts.call`, `auth.jwt[].issuer`. */
export function schemaKeys(): string[] {
  const schema = configJsonSchema();
  return Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    const own = name === 'upstreams' ? { additionalProperties: schema.$defs?.upstream ?? {} } : node;
    const inner = name === 'mcpServers' || name === 'servers' ? [] : rowsOf(own, '').map(({ key }) => key);
    return [name, ...inner.map((key) => (key.startsWith('[') ? `${name}${key}` : `${name}.${key}`))];
  });
}

function rowsOf(node: JsonSchema, before: string): Row[] {
  const { properties, additionalProperties, items } = node;
  if (properties !== undefined) {
    return Object.entries(properties).flatMap(([name, child]) => {
      const key = before === '' ? name : `${before}.${name}`;
      return [{ key, node: child }, ...rowsOf(child, key)];
    });
  }
  const inner = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  if (inner?.properties !== undefined) return rowsOf(inner, before === '' ? '*' : `${before}.*`);
  return items?.properties === undefined ? [] : rowsOf(items, `${before}[]`);
}

function section(name: string, node: JsonSchema, rows: readonly Row[]): string {
  const head = `## ${name}\n\n${plain(String(node.description ?? ''))} ${takesEffect(name)}\n`;
  if (rows.length === 0) return head;
  const lines = rows.map(({ key, node: at }) => `| \`${key}\` | ${typeOf(at)} | ${presetOf(at)} | ${aboutOf(at)} |`);
  return `${head}\n| key | type | default | |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}

/** When a running Patchbay takes over changes of a section. */
function takesEffect(name: string): string {
  if (!AT_ONCE.has(name)) return 'Changes take effect at the next start.';
  const later = AT_NEXT_START.filter((key) => key.startsWith(`${name}.`)).map(
    (key) => `\`${key.slice(name.length + 1)}\``,
  );
  if (later.length === 0) return 'Changes take effect at once.';
  const wait = `Changes take effect at once, but for those of ${later.join(', ')}, which wait for the next start`;
  return name === 'auth' ? `${wait}: [more about that](auth.md#changes-while-it-runs).` : `${wait}.`;
}

function typeOf(node: JsonSchema): string {
  const { description = '', items } = node;
  if (/Seconds, or text such as/.test(String(description))) return 'duration';
  if (/Bytes, or text such as/.test(String(description))) return 'size';
  if (choicesOf(node) !== undefined) return 'choice';
  const forms = node.anyOf?.map(typeOf);
  if (forms !== undefined) return [...new Set(forms)].join(' or ');
  const [type = 'any'] = [node.type].flat().filter((one) => one !== 'null');
  if (type === 'array') return items === undefined ? 'list' : `list of ${plural(typeOf(items))}`;
  return { string: 'text', integer: 'number', boolean: 'true, false', object: 'mapping' }[type] ?? type;
}

const plural = (type: string): string => (type === 'text' || type.startsWith('list') ? type : `${type}s`);

function presetOf(node: JsonSchema): string {
  const { default: preset } = node;
  if (preset === undefined || (typeof preset === 'object' && node.properties !== undefined)) return '';
  const text = Array.isArray(preset) ? `[${preset.join(', ')}]` : typeof preset === 'string' ? preset : undefined;
  return `\`${text ?? JSON.stringify(preset)}\``;
}

function aboutOf(node: JsonSchema): string {
  const { minimum, maximum } = node;
  const description = String(node.description ?? '').replace(/ (Seconds|Bytes), or text such as .*$/, '');
  const choices = choicesOf(node) ?? choicesOf(node.items ?? {});
  const bounds =
    typeof minimum !== 'number'
      ? ''
      : typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER
        ? ` From ${minimum} to ${maximum}.`
        : minimum > 0
          ? ` At least ${minimum}.`
          : '';
  const text = plain(`${description}${choices === undefined ? '' : ` One of ${choices.join(', ')}.`}${bounds}`);
  const [example] = (node.examples as unknown[] | undefined) ?? [];
  return example === undefined || text.includes('such as') ? text : `${text} Example: \`${inline(example)}\`.`;
}

function choicesOf(node: JsonSchema): string[] | undefined {
  const found = [node, ...(node.anyOf ?? [])].find((one) => Array.isArray(one.enum));
  return found === undefined ? undefined : (found.enum as unknown[]).map(String);
}

/** A value as YAML on one line. */
const inline = (value: unknown): string =>
  stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim();

/** Text that Markdown leaves as it is. */
const plain = (text: string): string => text.replace(/[|*<_]/g, (sign) => `\\${sign}`).replace(/\s+/g, ' ');

const INTRO = `# Configuration

<!-- Written by \`npm run schema\` from src/config; change it there. -->

Patchbay reads one YAML or JSON file, \`config/patchbay.yaml\` unless \`--config FILE\` or \`PATCHBAY_CONFIG\` names another.
[config/patchbay.yaml](../config/patchbay.yaml) shows every key with its default. An editor with a YAML language server
completes keys and shows what they mean, where the first line of a file names the schema:

\`\`\`yaml
# yaml-language-server: $schema=./patchbay.schema.json
upstreams:
  files:
    command: mcp-server-filesystem
    args: [config/sample]
\`\`\`

\`patchbay validate\` names what is wrong, with file, line and column, and how to mend it. It ends with 0 when all is well,
with 1 when the config has problems (with \`--strict\`, warnings too), and with \`--connect\` with 2 when an upstream cannot
be used. \`--json\` prints \`valid\`, \`files\`, \`problems\` (each with \`file\`, \`line\`, \`column\`, \`path\`, \`severity\`, \`message\`,
\`mend\`) and, with \`--connect\`, \`upstreams\`. \`patchbay config\` prints what holds in the end and which file each setting is
from. Where users sign in at Patchbay, the file that has them is looked at, too. In the keys below, \`*\` stands for a name, and \`[]\` for each entry
of a list.

## Durations and sizes

A duration is a number of seconds, or text such as \`250ms\`, \`30s\`, \`5m\`, \`1h\`, \`2d\`. A size is a number of bytes, or text
such as \`512KiB\`, \`4MiB\`, \`1GiB\`.

## Placeholders

Any value may be taken from elsewhere, and secrets should be:

| | |
| --- | --- |
| \`\${env:NAME}\` | an environment variable, which must be set |
| \`\${env:NAME:-default}\` | the same, or the default when it is unset or empty |
| \`\${file:/path}\` | the text of a file, without its last line break |
| \`\${secret:NAME}\` | the text of the file NAME in a secret folder; it may have a default, too |
| \`\${port}\` | in \`args\`, \`env\` and \`url\` of an upstream with \`command\` and \`url\`: a free port |
| \`$\${\` | the characters \`\${\` themselves |

Secret folders are those of \`secrets.folders\`, then \`$CREDENTIALS_DIRECTORY\` (systemd: \`LoadCredential=\`), then
\`/run/secrets\` (Docker and Podman). Where Kubernetes mounts a Secret is up to you: name that folder in
\`secrets.folders\`. The first folder that has the file is taken. A running Patchbay notices when a file changes.

## Several files

The config may be spread over files. They are read in this order:

1. the first \`--config\`,
2. the files of the folder \`conf.d\` beside it, by name: \`*.yaml\`, \`*.yml\`, \`*.json\`, none that is hidden,
3. the other \`--config\` files, in the order of the command line.

| what | of several files |
| --- | --- |
| a setting: text, a number, true or false, a list of such | that of the last file holds |
| a mapping, such as \`server\` | is merged key by key |
| a list of mappings, such as \`policy\` or \`auth.jwt\` | the entries add up, in the order of the files; an empty list drops those before it |
| an upstream or a profile | is written in one file; the same name twice is an error that names both places |
| an empty section, such as \`server:\` | says nothing |

Relative paths start in the folder of the first file, whichever file they stand in. All files are watched, and so are
new ones in \`conf.d\`: what is right as a whole takes effect, and what is not changes nothing. Each section below says
whether its changes take effect at once or at the next start, and the log says it of every edit.
`;
