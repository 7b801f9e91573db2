/** What is said of the config outside of its files. */
import type { Overrides } from '../config/load.ts';

/** Options of the command line. */
export interface Overriding {
  readonly port?: number;
  readonly host?: string;
  readonly publicUrl?: string;
  readonly insecure?: boolean;
}

/** Options win over the environment, which wins over the file. */
export function overridesOf({ host, port, publicUrl, insecure }: Overriding = {}): Overrides {
  const from = {
    host: host ?? process.env.PATCHBAY_HOST,
    port: port ?? numberOf(process.env.PORT),
    // an empty one is none, as variables are that a compose file passes on
    publicUrl: publicUrl ?? (process.env.PATCHBAY_PUBLIC_URL || undefined),
    insecure,
  };
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined));
}

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
