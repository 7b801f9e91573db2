/** What known hosts will not take of a list as clients see it. */
import { HOST_LIMITS, type HostName } from '../config/hosts.ts';
import type { View } from './view.ts';

export interface HostNote {
  /** Hosts that this is about; all that take tools where it is none in particular. */
  readonly hosts: readonly HostName[];
  /** The exposed name of the tool; absent where it is about all of them. */
  readonly tool?: string;
  readonly problem: string;
}

interface Definition {
  readonly name: string;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
}

const SAFE = /^[A-Za-z0-9_-]+$/;
const ROOT_COMBINATORS = ['oneOf', 'anyOf', 'allOf'];

/**
 * @param server what users call the gateway in their hosts
 * @returns notes about the list as a whole first, then tool by tool
 */
export function hostNotes({ lists }: Pick<View, 'lists'>, hosts: readonly HostName[], server: string): HostNote[] {
  const tools = lists.tools.items.map((item) => JSON.parse(item.toString('utf8')) as Definition);
  return [...countNotes(tools.length, hosts), ...tools.flatMap((tool) => [...toolNotes(tool, hosts, server)])];
}

/** Notes about how many tools there are. */
export function countNotes(count: number, hosts: readonly HostName[]): HostNote[] {
  return hosts.flatMap((host) => {
    const { title, tools } = HOST_LIMITS[host];
    if (!tools || count <= tools.most) return [];
    return [
      { hosts: [host], problem: `${count} tools are more than the ${tools.most} that ${title} takes: ${tools.beyond}` },
    ];
  });
}

function* toolNotes(
  { name, description, inputSchema }: Definition,
  hosts: readonly HostName[],
  server: string,
): Iterable<HostNote> {
  if (!SAFE.test(name))
    yield {
      hosts,
      tool: name,
      problem: 'its name has characters other than A-Z a-z 0-9 _ -, for which hosts drop it or all tools',
    };
  for (const host of hosts) {
    const { title, nameRule, description: limit, ...is } = HOST_LIMITS[host];
    const longest = is.nameLength(server);
    if (name.length > longest)
      yield {
        hosts: [host],
        tool: name,
        problem: `its name has ${name.length} characters, ${title} takes ${longest}: ${nameRule}`,
      };
    if (limit && typeof description === 'string' && description.length > limit.longest)
      yield {
        hosts: [host],
        tool: name,
        problem: `its description has ${description.length} characters, and what is longer than ${limit.longest} ${limit.beyond} by ${title}`,
      };
  }
  if (typeof description !== 'string' || description.trim() === '')
    yield { hosts, tool: name, problem: 'it has no description, so that models have to guess what it does' };
  for (const problem of schemaProblems(inputSchema)) yield { hosts, tool: name, problem };
}

function* schemaProblems(schema: unknown): Iterable<string> {
  const root =
    typeof schema === 'object' && schema !== null ? (schema as Readonly<Record<string, unknown>>) : undefined;
  if (root?.type !== 'object') {
    yield 'the type of its inputSchema is not object, for which clients refuse it';
    return;
  }
  const combined = ROOT_COMBINATORS.filter((keyword) => Object.hasOwn(root, keyword));
  if (combined.length > 0)
    yield `its inputSchema has ${combined.join(' and ')} at its root, for which some hosts drop it`;
  const refs = refsIn(root);
  if (refs.some((ref) => !ref.startsWith('#')))
    yield 'its inputSchema refers to another document by $ref, which hosts do not fetch';
  else if (refs.length > 0) yield 'its inputSchema has $ref, which some hosts do not follow';
}

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner),
  );
}
