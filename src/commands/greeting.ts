/** What a gateway that has started tells those who started it. */
import type { Users } from '../auth/users.ts';
import type { Config } from '../config/schema.ts';
import { banner } from './banner.ts';
import { firstUser, framed } from './first-user.ts';

export interface Greeting {
  /** What clients connect to. */
  readonly url: string;
  /** The same of profiles other than the default one. */
  readonly others: readonly string[];
  readonly config: Config;
  readonly users: Users | undefined;
  /** Whether users that are made now are there after a restart. */
  readonly lasting: boolean;
  /** Resolves when what upstreams list is known, or will not be soon. */
  readonly listed: Promise<void>;
  /** Whether it ends already. */
  ending(): boolean;
}

/** Tells who started it what to do next. A password is shown to them alone, and as soon as it is good. */
export async function greet({ url, others, config, users, lasting, listed, ending }: Greeting): Promise<void> {
  if (!process.stderr.isTTY) {
    const first = await firstUser(users, config, lasting);
    if (first) process.stderr.write(framed(first));
    return;
  }
  // after what upstreams print when they start, so that it is the last thing on the screen
  await listed;
  if (ending()) return;
  const first = await firstUser(users, config, lasting);
  process.stderr.write(banner(url, Object.keys(config.upstreams), first, others));
}
