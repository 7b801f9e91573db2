/** What an upstream is told that the client can do. */

import type { ServerFacts } from '../protocol/codec.ts';
import { TASKS_EXTENSION } from '../protocol/meta.ts';

type Capabilities = Readonly<Record<string, unknown>>;

/** Client extensions that need nothing of the gateway but to be passed on. */
const PASSED_EXTENSIONS = ['io.modelcontextprotocol/ui', TASKS_EXTENSION];

/**
 * @param client what a legacy client declared in `initialize`
 * @param sole whether exactly one upstream is configured, so that "this server" means the same on both sides
 * @returns the capabilities that a link serving only this client declares; members are in a fixed order
 */
export function declaredCapabilities(client: Capabilities, sole: boolean): Capabilities {
  const declared: Record<string, unknown> = {};
  if (isObject(client.roots)) declared.roots = client.roots.listChanged === true ? { listChanged: true } : {};
  if (isObject(client.sampling)) declared.sampling = pick(client.sampling, sole ? ['context', 'tools'] : ['tools']);
  if (isObject(client.elicitation)) declared.elicitation = pick(client.elicitation, ['form', 'url']);
  const extensions = isObject(client.extensions) ? pick(client.extensions, PASSED_EXTENSIONS) : {};
  if (Object.keys(extensions).length > 0) declared.extensions = extensions;
  return declared;
}

/**
 * Withholds URL elicitation where it could be misread: a server of version 2025-06-18 takes any `elicitation` object as
 * support of forms.
 * @param server what is known of the upstream from an earlier handshake
 */
export function declaredTo(declared: Capabilities, server: ServerFacts | undefined): Capabilities {
  const { elicitation, ...others } = declared;
  if (!isObject(elicitation) || !Object.hasOwn(elicitation, 'url') || Object.hasOwn(elicitation, 'form'))
    return declared;
  return server && server.version >= '2025-11-25' ? declared : others;
}

/** A name for a set of capabilities, equal for equal ones; empty for none. */
export const audienceOf = (declared: Capabilities): string =>
  Object.keys(declared).length === 0 ? '' : JSON.stringify(declared);

/** Whether a client can be asked this, by its declared capabilities. */
export function canBeAsked(client: Capabilities, method: string, params: Readonly<Record<string, unknown>>): boolean {
  switch (method) {
    case 'roots/list':
      return isObject(client.roots);
    case 'sampling/createMessage':
      if (!isObject(client.sampling)) return false;
      return (params.tools === undefined && params.toolChoice === undefined) || isObject(client.sampling.tools);
    case 'elicitation/create': {
      const { elicitation } = client;
      if (!isObject(elicitation)) return false;
      if (params.mode === 'url') return isObject(elicitation.url);
      // an empty object is form support alone, as 2025-06-18 had it
      return isObject(elicitation.form) || !isObject(elicitation.url);
    }
    default:
      return false;
  }
}

function pick(from: Capabilities, keys: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const key of keys) if (Object.hasOwn(from, key)) picked[key] = from[key];
  return picked;
}

const isObject = (value: unknown): value is Capabilities =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
