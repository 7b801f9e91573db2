/**
 * What placeholders put into an upstream's entry. It is kept beside the config, not in it, so that nothing which shows
 * or compares a config can show it.
 */
import type { Origins } from './interpolate.ts';
import { type Config, UPSTREAM_KEYS, type UpstreamConfig } from './schema.ts';
import { INHERITED } from './upstream.ts';

/** The members of an upstream that may hold secrets; the others name places. */
const SECRET_KEYS = ['env', 'headers', 'args', 'url', 'items'];

/** A folder or a user name says little, and is in half of all that programs write. */
const HARMLESS = new Set(INHERITED.map((name) => `\${env:${name}}`));

const remembered = new WeakMap<UpstreamConfig, readonly string[]>();

/** Remembers for each upstream what was put into its `env`, `headers`, `args`, `url` and `items`. */
export function rememberSecrets({ upstreams }: Config, origins: Origins): void {
  const found = new Map<string, string[]>();
  for (const [key, { labels, texts }] of origins) {
    const [section, name, member] = JSON.parse(key) as string[];
    if (!UPSTREAM_KEYS.some((each) => each === section) || name === undefined) continue;
    if (!SECRET_KEYS.includes(member ?? '')) continue;
    const secrets = texts.filter((_, i) => !HARMLESS.has(labels[i] ?? ''));
    found.set(name, [...(found.get(name) ?? []), ...secrets]);
  }
  for (const [name, upstream] of Object.entries(upstreams)) remembered.set(upstream, found.get(name) ?? []);
}

/** The texts that placeholders put into this entry of a config that was loaded; empty for one made otherwise. */
export const placeholderTexts = (upstream: UpstreamConfig): readonly string[] => remembered.get(upstream) ?? [];
