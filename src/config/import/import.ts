/** Files of apps to the text of a config file with their servers as upstreams. */
import { stringify } from 'yaml';
import { upstreamName } from '../text.ts';
import { type Converted, convert, type Written } from './convert.ts';
import { type AppFile, type Entry, ImportProblem, readAppFile } from './read.ts';
import { Variables } from './variables.ts';

export interface ImportOptions {
  /** The home folder. */
  readonly home: string;
  readonly keepSecrets: boolean;
  /** Told of each file that cannot be read, which is left out then; without it, such a file is an error. */
  readonly left?: ((problem: string) => void) | undefined;
}

export interface Imported {
  /** The config, with comments on where everything came from. */
  readonly yaml: string;
  /** How many upstreams it has. */
  readonly upstreams: number;
  /** How many variables are to be set before it can be used. */
  readonly variables: number;
}

interface Taken {
  readonly name: string;
  readonly upstream: Written;
  readonly notes: string[];
  /** Where it stands; several for one that is the same everywhere. */
  readonly entries: Entry[];
}

/**
 * Takes over all servers of these files.
 * @throws ImportProblem when one cannot be read, and nobody is told of it instead
 */
export function importFiles(files: readonly string[], { home, keepSecrets, left: leave }: ImportOptions): Imported {
  const variables = new Variables();
  const converted = files
    .flatMap((file) => read(file, home, leave))
    .flatMap(({ entries, inputs }: AppFile) => {
      const known = new Map(inputs.map((input) => [input.id, input]));
      return entries.map((entry) => convert(entry, { inputs: known, variables, home, keepSecrets }));
    });
  const taken = named(converted);
  const left = converted.filter(({ upstream }) => upstream === undefined);
  const toSet = variables.list();
  const head = [
    ...(toSet.length === 0 ? [] : ['Variables to set before Patchbay is started:']),
    ...toSet.map(({ name, what }) => `  ${name}: ${what}`),
    ...left.map(({ entry, notes }) => `${entry.name} (${place(entry)}) is ${notes.join('; ')}`),
  ];
  const body = taken.size === 0 ? 'upstreams: {}\n' : `upstreams:\n${[...taken.values()].map(print).join('\n')}`;
  const yaml = `${head.map(comment).join('')}${head.length === 0 ? '' : '\n'}${body}`;
  return { yaml, upstreams: taken.size, variables: toSet.length };
}

function read(file: string, home: string, left: ImportOptions['left']): AppFile[] {
  try {
    return [readAppFile(file, home)];
  } catch (error) {
    if (!left || !(error instanceof ImportProblem)) throw error;
    left(error.message);
    return [];
  }
}

/** Gives each a name of its own; those that are the same in several files become one. */
function named(converted: readonly Converted[]): Map<string, Taken> {
  const taken = new Map<string, Taken>();
  for (const { entry, upstream, notes } of converted) {
    if (upstream === undefined) continue;
    const same = [...taken.values()].find(
      (one) => one.entries[0]?.name === entry.name && JSON.stringify(one.upstream) === JSON.stringify(upstream),
    );
    if (same !== undefined) {
      same.entries.push(entry);
      same.notes.push(...notes.filter((note) => !same.notes.includes(note)));
      continue;
    }
    const wanted = upstreamName(entry.name) === undefined ? entry.name : 'upstream';
    const forms = [wanted, `${wanted.slice(0, 48)}-${entry.app.id}`];
    for (let n = 2; forms.every((form) => taken.has(form)); n++) forms.push(`${wanted.slice(0, 60)}-${n}`);
    const name = forms.find((form) => !taken.has(form)) ?? wanted;
    const before = taken.get(wanted)?.entries[0];
    const renamed = before && `called ${name} here, since ${wanted} is another one (${place(before)})`;
    taken.set(name, { name, upstream, notes: [...(renamed ? [renamed] : []), ...notes], entries: [entry] });
  }
  return taken;
}

function print({ name, upstream, notes, entries }: Taken): string {
  const lines = [`from ${entries.map((entry) => `${place(entry)} (${entry.app.title})`).join(' and ')}`, ...notes];
  const text = stringify({ [name]: upstream }, { lineWidth: 0 });
  return `${lines.map(comment).join('')}${text}`.replace(/^(?=.)/gm, '  ');
}

const place = ({ file, line }: Entry): string => `${file}:${line}`;

/** One line, whatever is in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they would end the comment, or hide what follows
const comment = (text: string): string => `# ${text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')}\n`;
