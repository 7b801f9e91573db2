/** One server of an app as an upstream: what can be taken over is, and what cannot is told. */
import { LEFT } from '../other-apps.ts';
import { mapping } from './apps.ts';
import { isSecret, type PlainSecret, secretsInArgument, secretsInUrl, secretsInValue } from './plain-secrets.ts';
import type { Entry } from './read.ts';
import { type Context, inProject, translate } from './variables.ts';

/** An upstream as it is written in a config file. */
export type Written = Record<string, unknown>;

export interface Converted {
  readonly entry: Entry;
  /** Absent where nothing can be taken over; the notes say why. */
  readonly upstream?: Written;
  /** What the user should know. */
  readonly notes: readonly string[];
}

export interface Settings extends Omit<Context, 'entry' | 'note'> {
  /** Leave secrets as they are written out. */
  readonly keepSecrets: boolean;
}

const KNOWN = ['type', 'transport', 'command', 'args', 'env', 'cwd', 'url', 'serverUrl', 'httpUrl', 'headers'];
const SWITCHES = ['disabled', 'enabled'];

/** Takes one over. Never throws: what is wrong with it is in the notes. */
export function convert(entry: Entry, settings: Settings): Converted {
  const notes = new Set<string>();
  const note = (text: string) => void notes.add(text);
  const context: Context = { ...settings, entry, note };
  const { data, project } = entry;
  const type = String(data.type ?? data.transport ?? '').toLowerCase();
  const url = [data.url, data.serverUrl, data.httpUrl].find((one) => typeof one === 'string' && one !== '');
  const command = typeof data.command === 'string' && data.command.trim() !== '' ? data.command : undefined;
  const done = (upstream?: Written): Converted => ({ entry, notes: [...notes], ...(upstream && { upstream }) });

  if (type === 'ws' || (typeof url === 'string' && /^wss?:/i.test(url))) {
    note('left out: Patchbay speaks no WebSocket');
    return done();
  }
  if (command === undefined && url === undefined) {
    note('left out: it has neither a command nor a URL');
    return done();
  }
  const upstream: Written = {};
  const put = (key: string, value: unknown) => {
    if (value !== undefined) upstream[key] = value;
  };
  const text = (value: string, secrets: readonly PlainSecret[]) => withoutSecrets(value, secrets, context, settings);
  if (command !== undefined) {
    if (url !== undefined) note('its url is left out: the app starts the command, and speaks to that');
    if (data.args !== undefined && !Array.isArray(data.args)) note('`args` is not taken over: it is no list');
    const args = list(data.args).map((one) => String(one));
    const relative = [command, ...args].some((one) => /^\.{1,2}[\\/]/.test(one));
    put('command', translate(command, context));
    if (args.length > 0)
      put(
        'args',
        args.map((one, i) => text(one, secretsInArgument(one, args[i - 1]))),
      );
    put('env', texts('env', data.env, context, text));
    if (typeof data.cwd === 'string') put('cwd', inProject(translate(data.cwd, context), project));
    else if (relative && project !== undefined) put('cwd', project);
    else if (relative) note('a path in it is relative: say with `cwd` where it starts');
  } else {
    const address = String(url);
    put('url', text(address, secretsInUrl('', address)));
    if (type === 'sse') put('transport', 'sse');
    put('headers', texts('headers', data.headers, context, text));
  }
  if (data.disabled === true || data.enabled === false) {
    put('enabled', false);
    note(`it is switched off in ${entry.app.title}, and so it is here`);
  }
  for (const key of Object.keys(data).filter((one) => ![...KNOWN, ...SWITCHES].includes(one))) {
    note(`\`${key}\` is not taken over${LEFT[key] === undefined ? '' : `: ${LEFT[key]}`}`);
  }
  return done(upstream);
}

/** The values of `env` or `headers`. */
function texts(
  key: 'env' | 'headers',
  values: unknown,
  { note }: Context,
  text: (value: string, secrets: readonly PlainSecret[]) => string,
): Record<string, string> | undefined {
  const entries = Object.entries(mapping(values)).flatMap(([name, value]): [string, string][] => {
    if (value === null || typeof value === 'object') {
      note(`\`${key}.${name}\` is not taken over: it is no text`);
      return [];
    }
    return [[name, text(String(value), secretsInValue(name, String(value)))]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** The text with a placeholder in place of each secret. */
function withoutSecrets(
  text: string,
  found: readonly PlainSecret[],
  context: Context,
  { keepSecrets }: Settings,
): string {
  const { entry, variables, note } = context;
  // what is taken from a variable is none, and neither is what follows the variable
  const secrets = found.flatMap((one) => {
    const variable = text.slice(0, one.end).indexOf('${', one.start);
    if (variable < 0) return [one];
    const end = text.slice(0, variable).trimEnd().length;
    return isSecret('', text.slice(one.start, end)) ? [{ ...one, end }] : [];
  });
  if (secrets.length === 0) return translate(text, context);
  const names = secrets.map(({ name }) => name).join(', ');
  if (keepSecrets) {
    note(`${names}: a secret that is written out; better take it from \${env:NAME} or \${secret:NAME}`);
    return translate(text, context);
  }
  let result = '';
  let at = 0;
  for (const { name, start, end } of secrets) {
    const prefix = variablePrefix(entry);
    const short = (name.toLowerCase() === 'authorization' ? 'TOKEN' : name).toUpperCase();
    const own = short.startsWith(`${prefix}_`) ? short : `${prefix}_${short}`;
    // variables of processes have names of their own already
    const preferred = /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(name) ? [name, own] : [own];
    const what = `${name} of ${entry.name}, written out in ${entry.file}:${entry.line}`;
    result +=
      translate(text.slice(at, start), context) + variables.need(preferred, `secret ${text.slice(start, end)}`, what);
    at = end;
  }
  return result + translate(text.slice(at), context);
}

const variablePrefix = ({ name }: Entry): string => name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
