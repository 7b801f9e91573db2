/** A gateway with two workers in front of real upstreams, and what tests want to know of it. */
import { readFile } from 'node:fs/promises';
import { childrenOf } from '../e2e/processes.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { type Scatter, startScatter } from './scatter.ts';

export interface Lab {
  readonly gateway: Gateway;
  /** The endpoint, by way of a new connection for each request. */
  readonly url: string;
  /** The process id of each worker, by its number. */
  workers(): Promise<ReadonlyMap<number, number>>;
  /** A figure of /metrics. */
  figure(series: string): Promise<number | undefined>;
  close(): Promise<{ code: number | null }>;
}

/** @param config added to what there is */
export async function startLab({
  server = {},
  ...config
}: {
  server?: object;
  [key: string]: unknown;
} = {}): Promise<Lab> {
  const gateway = await startGateway({
    config: {
      server: { port: 0, workers: 2, metrics: true, ...server },
      lists: { firstWait: '60s' },
      upstreams: { peer: stdioPeer() },
      ...config,
    },
  });
  const scatter: Scatter = await startScatter(gateway.url);
  return {
    gateway,
    url: scatter.url,
    workers: () => workersOf(gateway.pid),
    figure: async (series) => {
      const text = await (await fetch(new URL('/metrics', gateway.url))).text();
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
    close: () => {
      scatter.close();
      return gateway.stop();
    },
  };
}

/** The workers of a gateway (Linux: /proc); the first ones have the numbers in the order of their start. */
async function workersOf(parent: number): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  for (const pid of (await childrenOf(parent)).keys()) {
    const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const number = /(?:^|\0)PATCHBAY_WORKER=(\d+)/.exec(text)?.[1];
    if (number !== undefined) found.set(Number(number), pid);
  }
  return found;
}
