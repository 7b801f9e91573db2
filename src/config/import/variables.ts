/** The environment variables that an imported config needs, and the variables of apps in our way of writing them. */
import { basename, isAbsolute, resolve, sep } from 'node:path';
import { INHERITED } from '../upstream.ts';
import type { Entry, Input } from './read.ts';

/** One variable to set, or that is set already. */
export interface Variable {
  readonly name: string;
  /** What it is for, without its value. */
  readonly what: string;
}

/** Collects the variables of one import; each name has one meaning. */
export class Variables {
  readonly #meanings = new Map<string, { readonly meaning: string; readonly whats: Set<string> }>();

  /**
   * A variable of this meaning.
   * @param names names it may have, the one that is preferred first; of the last one, numbered ones are made
   * @param meaning the same for two uses exactly where they are to share one variable; it is not shown
   * @param what shown to the user
   * @returns the placeholder for it
   */
  need(names: readonly string[], meaning: string, what: string): string {
    const last = names.at(-1) ?? 'VARIABLE';
    const all = [...names, ...Array.from({ length: 99 }, (_, i) => `${last}_${i + 2}`)].map(variableName);
    const name =
      all.find((one) => [undefined, meaning].includes(this.#meanings.get(one)?.meaning)) ?? variableName(last);
    const known = this.#meanings.get(name) ?? { meaning, whats: new Set() };
    known.whats.add(what);
    this.#meanings.set(name, known);
    return `\${env:${name}}`;
  }

  /** All but those that every process has. */
  list(): Variable[] {
    const toSet = [...this.#meanings].filter(([name]) => !INHERITED.includes(name));
    return toSet.map(([name, { whats }]) => ({ name, what: [...whats].join('; ') }));
  }
}

/** A name that environment variables can have: `api key` is `API_KEY`; one that is fine already stays as it is. */
export function variableName(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
  const name = text
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[A-Z]/.test(name) ? name : `_${name}`;
}

/** What is known where a text of an app is translated. */
export interface Context {
  readonly entry: Entry;
  readonly inputs: ReadonlyMap<string, Input>;
  readonly variables: Variables;
  /** The home folder. */
  readonly home: string;
  /** Gets what the user should know. */
  note(text: string): void;
}

/** A text of an app in our way: its variables become placeholders, and what is none for it stays the text it is. */
export function translate(text: string, context: Context): string {
  return text.replace(/\$\{(?:([^}]*)\})?/g, (match: string, body: string | undefined) => {
    const filled = body === undefined ? undefined : fill(body, context);
    if (filled !== undefined) return filled;
    if (body !== undefined) {
      context.note(`${context.entry.app.title} knows no \${${nameIn(body)}}; it stays as it is written`);
    }
    return `$${match}`;
  });
}

function fill(body: string, context: Context): string | undefined {
  const { syntax } = context.entry.app;
  const shell = syntax === 'shell' || syntax === 'any' ? /^([A-Za-z_]\w*)(?::-([^}]*))?$/.exec(body) : null;
  if (shell?.[1] !== undefined) return fromEnvironment(shell[1], shell[2], context);
  if (syntax === 'none' || syntax === 'shell') return undefined;
  const [, kind = '', rest = ''] = /^(\w+|\/)(?::(.*))?$/s.exec(body) ?? [];
  if (kind === 'env' && rest !== '') return fromEnvironment(rest, undefined, context);
  if (kind === 'file' && syntax !== 'vscode' && rest !== '')
    return `\${file:${rest.replace(/^~(?=\/)/, context.home)}}`;
  return syntax === 'windsurf' ? undefined : fromEditor(kind, rest, context);
}

function fromEnvironment(name: string, preset: string | undefined, { variables }: Context): string {
  if (variableName(name) !== name) return `$\${env:${name}}`;
  const placeholder = variables.need([name], `env ${name}`, 'taken from the environment before, too');
  return preset === undefined ? placeholder : withPreset(placeholder, preset);
}

/** A placeholder with what counts where nothing is set. */
const withPreset = (placeholder: string, preset: string): string => `${placeholder.slice(0, -1)}:-${preset}}`;

/** Variables of VS Code, which Cursor has taken over a part of. */
function fromEditor(kind: string, rest: string, context: Context): string | undefined {
  const { entry, variables, home, note } = context;
  switch (kind) {
    case 'userHome':
      return home;
    case 'pathSeparator':
    case '/':
      return sep;
    case 'workspaceFolder':
    case 'workspaceFolderBasename': {
      const folder = rest === '' ? entry.project : undefined;
      if (folder !== undefined) return kind === 'workspaceFolder' ? folder : basename(folder);
      note(`\${${kind}} is the folder that is open in ${entry.app.title}; Patchbay has none, so name one`);
      const name = kind === 'workspaceFolder' ? 'WORKSPACE_FOLDER' : 'WORKSPACE_NAME';
      return variables.need([name], `${kind} ${rest}`, 'the folder to work in');
    }
    case 'input': {
      const { description = rest, secret = false, preset, choices } = context.inputs.get(rest) ?? {};
      const some = choices === undefined ? '' : `; one of ${choices.join(', ')}`;
      const usual = preset === undefined || secret ? '' : `; default ${preset}`;
      const what = `${entry.app.title} asks for it: ${description}${some}${usual}${secret ? ' (a secret)' : ''}`;
      const placeholder = variables.need([rest.toUpperCase()], `input ${rest}`, what);
      return preset === undefined || secret ? placeholder : withPreset(placeholder, preset);
    }
    case 'config':
    case 'command':
      note(`\${${kind}:${rest}} is known to ${entry.app.title} alone; set its value`);
      return variables.need([`${kind}_${rest}`.toUpperCase()], `${kind} ${rest}`, `the value of \${${kind}:${rest}}`);
    default:
      return undefined;
  }
}

/** A path as the app would have found it: relative ones start in the project. */
export const inProject = (path: string, project: string | undefined): string =>
  project === undefined || isAbsolute(path) || path.startsWith('${') ? path : resolve(project, path);

/** What is shown of a variable; a default may be a secret. */
const nameIn = (body: string): string => body.replace(/(:?-).*$/s, '$1…').slice(0, 40);
