/**
 * Placeholders in the text values of a config file:
 *
 *     ${env:NAME}            an environment variable that must be set
 *     ${env:NAME:-default}   the same, or the default when it is unset or empty
 *     ${file:/path}          a file's text without its last line break; relative to the folder of the config file
 *     ${secret:NAME}         the same, of a file NAME in one of the secret folders; takes a default, too
 *     ${port}                left as it is, see port.ts
 *     $${                    the two characters ${ themselves
 *
 * What is put in is taken to be a secret: it is in no finding, and `origins` lets others keep it out of theirs.
 */
import type { Finding } from './finding.ts';
import { isVariableOfEditors } from './other-apps.ts';
import { type Filled, fromFile, fromSecret, secretFolders } from './placeholder-files.ts';
import { escapePort, PORT_KEYS } from './port.ts';

/** Where the text at a path came from. */
export interface Origin {
  /** The placeholders in it, without defaults: `${env:NAME}`. */
  readonly labels: readonly string[];
  /** What was put in for them, in the same order. */
  readonly texts: readonly string[];
  /** Whether one placeholder is all of it, so that it may stand for a number or a boolean. */
  readonly whole: boolean;
}

/** By path: `pathKey` of it. Paths without placeholders are not in here. */
export type Origins = Map<string, Origin>;

export interface Interpolated {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  readonly origins: Origins;
  /** The files that were read, or were to be, as absolute paths. */
  readonly files: ReadonlySet<string>;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute or relative to the current folder; relative `${file:}` paths start here. */
  readonly folder: string;
  /** Where `${secret:NAME}` looks, the first folder first; nowhere without it. */
  readonly secrets?: readonly string[];
}

const PLACEHOLDER = /\$\$\{port\}|\$\$\{|\$\{([^}]*)(\}?)/g;
const FORMS = `\${env:NAME}, \${env:NAME:-default}, \${file:/path} or \${secret:NAME}; for the text itself write $\${`;

export function pathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path);
}

/** Fills the placeholders in every text value but `$schema`. Keys are left alone. The input is not changed. */
export function interpolate(input: unknown, surroundings: Surroundings): Interpolated {
  const findings: Finding[] = [];
  const origins: Origins = new Map();
  const files = new Set<string>();

  const walk = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (typeof value === 'string') return path[0] === '$schema' ? value : expand(value, path);
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]));
  };

  const expand = (text: string, path: readonly PropertyKey[]): string => {
    const portAllowed = path.length > 2 && PORT_KEYS.includes(String(path[2]));
    const labels: string[] = [];
    const texts: string[] = [];
    const result = text.replace(PLACEHOLDER, (match, body: string | undefined, close: string) => {
      if (match === `$\${port}`) return portAllowed ? match : match.slice(1);
      if (body === undefined) return match.slice(1);
      if (body === 'port' && close !== '' && portAllowed) return match;
      const filled = close === '' ? unclosed : fill(body, surroundings, files);
      if (filled.finding !== undefined) {
        findings.push({ ...filled.finding, path, subject: 'none' });
        return '';
      }
      labels.push(filled.label);
      texts.push(filled.text);
      return portAllowed ? escapePort(filled.text) : filled.text;
    });
    if (labels.length > 0) origins.set(pathKey(path), { labels, texts, whole: /^\$\{[^}]*\}$/.test(text) });
    return result;
  };

  return { value: walk(input, []), findings, origins, files };
}

const unclosed: Filled = {
  finding: {
    message: `a placeholder starts with "\${" and has no "}"`,
    mend: `add the "}"; for the text itself write $\${`,
  },
};

function fill(body: string, { env, folder, secrets = [] }: Surroundings, files: Set<string>): Filled {
  if (body.includes('${')) {
    return { finding: { message: 'one placeholder is inside another', mend: 'write a plain default after ":-"' } };
  }
  const [, name, preset] = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(body) ?? [];
  if (name !== undefined) return fromEnv(name, preset, env);
  const [, path] = /^file:(.+)$/s.exec(body) ?? [];
  if (path !== undefined) return fromFile(path, folder, files);
  const [, secret, otherwise] = /^secret:(.*?)(?::-(.*))?$/s.exec(body) ?? [];
  if (secret !== undefined) return fromSecret(secret, otherwise, secrets, files);
  // A default may be a secret, so it is not shown.
  const shown = JSON.stringify(`\${${body.replace(/(:?-).*$/s, '$1…').slice(0, 40)}}`);
  if (body === 'port') {
    return { finding: { message: `${shown} has no meaning here`, mend: 'use it in args, env or url of an upstream' } };
  }
  if (isVariableOfEditors(body)) {
    const mend = 'it belongs to another app; `patchbay import FILE` takes its files over, and translates it';
    return { finding: { message: `${shown} is not a placeholder`, mend } };
  }
  const [, variable] = /^(?:env[:.])?([A-Z_][A-Z0-9_]*)(?::?-.*)?$/s.exec(body) ?? [];
  const mend = variable === undefined ? `write ${FORMS}` : `did you mean \${env:${variable}}? The forms are ${FORMS}`;
  return { finding: { message: `${shown} is not a placeholder`, mend } };
}

function fromEnv(name: string, preset: string | undefined, env: Surroundings['env']): Filled {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  const text = value === undefined || value === '' ? preset : value;
  if (text !== undefined) return { text, label: `\${env:${name}}` };
  const message = `environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`;
  return { finding: { message, mend: `set it, or write a default: \${env:${name}:-default}` } };
}

/**
 * What placeholders in this config are filled from: its own `secrets.folders`, where they can be read, are part of it.
 * @param folder the folder of the config file
 */
export function surroundingsOf(raw: unknown, env: Surroundings['env'], folder: string): Surroundings {
  const section = memberOf(raw, 'secrets');
  // what is wrong with them is told when the whole config is read
  const { value } = interpolate(memberOf(section, 'folders'), { env, folder });
  const folders = Array.isArray(value) ? value.filter((one) => typeof one === 'string' && one !== '') : [];
  return { env, folder, secrets: secretFolders(folders, folder, env) };
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
