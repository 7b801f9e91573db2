/** What deploys Patchbay, read from the files that are handed out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { type LoadResult, parseConfig } from '../../src/config/load.ts';

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Its text, by its path in the checkout. */
export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** One YAML document. */
export const readDocument = (path: string): unknown => parse(read(path));

/**
 * What stands at a path, such as `spec.ports.0.port`; of a list also by the `name` of an entry.
 * @throws Error when there is nothing
 */
export function at<T = unknown>(node: unknown, path: string): T {
  let here = node;
  for (const key of path.split('.')) {
    const named = Array.isArray(here) ? here.find((entry: { name?: unknown }) => entry.name === key) : undefined;
    here = named ?? (here as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (here === undefined) throw new Error(`there is no ${path}: ${key} is missing`);
  }
  return here as T;
}

/** The objects in a text of several YAML documents, by kind. */
export function byKind(text: string): Readonly<Record<string, unknown>> {
  const objects = parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as { kind: string } | null;
  });
  return Object.fromEntries(objects.flatMap((object) => (object ? [[object.kind, object]] : [])));
}

/** The manifests of a folder, by kind. */
export const manifests = (folder: string): Readonly<Record<string, unknown>> =>
  byKind(
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
      .map((file) => read(join(folder, file)))
      .join('\n---\n'),
  );

const KEY = 'a text of thirty-two characters or more';

/** Loads a config as `patchbay serve` does, where each secret file that it names has a text. */
export function load(text: string): LoadResult {
  const present = text.replace(/\$\{secret:[^}]+\}/g, '${env:SECRET}');
  return parseConfig(present, { file: 'patchbay.yaml', env: { SECRET: KEY } });
}

/** The secrets that a config names, without comments. */
export const secretsIn = (text: string): string[] =>
  [...text.replace(/#.*$/gm, '').matchAll(/\$\{secret:([^}]+)\}/g)].map(([, name]) => name!);
