/** Figures for Prometheus, read from the running gateway when they are asked for: the path of a call pays nothing. */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** One upstream as it is now. */
export interface UpstreamFigures {
  readonly upstream: string;
  /** `unknown`, `up`, `failing` or `down`. */
  readonly state: string;
  readonly failures: number;
  readonly links: number;
  readonly inFlight: number;
  /** Whether its items are missing in lists. */
  readonly missing: boolean;
  /** Items whose definitions are not the pinned ones, and those that are not pinned although others are. */
  readonly changed: number;
  readonly unpinned: number;
}

export interface Figures {
  readonly upstreams: readonly UpstreamFigures[];
  readonly sessions: number;
  readonly calls: number;
  readonly processes: number;
  /** Requests that were passed on to another worker, since this one was started. */
  readonly passed: number;
}

const STATES = ['unknown', 'up', 'failing', 'down'];

/** What answers a scrape. */
export interface Metrics {
  /** Its media type. */
  readonly type: string;
  /**
   * Its text in the Prometheus exposition format.
   * @param others what other workers said of themselves, which is put together with what this process says
   */
  text(others?: readonly object[][]): Promise<string>;
  /** The same of this process alone, for another one to put together. */
  json(): Promise<object[]>;
}

/** Of these, all workers tell the same: the worst counts. They are sums otherwise. */
const SAME = 'max';

/** @param figures tells how things are now */
export function createMetrics(figures: () => Figures): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labels: readonly string[] = [], aggregator: 'sum' | 'max' = 'sum') =>
    new Gauge({ name: `patchbay_${name}`, help, labelNames: labels, registers: [registry], aggregator });
  const sessions = gauge('sessions', 'Sessions of clients');
  const calls = gauge('calls', 'Calls in progress');
  const processes = gauge('processes', 'Processes of upstreams');
  const ofUpstream = {
    failures: gauge('upstream_failures', 'Failures in a row', ['upstream'], SAME),
    links: gauge('upstream_links', 'Links that are open or opening', ['upstream']),
    inFlight: gauge('upstream_calls', 'Requests that wait for an answer', ['upstream']),
    changed: gauge(
      'upstream_definitions_changed',
      'Items whose definitions are not the pinned ones',
      ['upstream'],
      SAME,
    ),
    unpinned: gauge(
      'upstream_definitions_unpinned',
      'Items that are not pinned, of an upstream that is',
      ['upstream'],
      SAME,
    ),
    missing: gauge('upstream_missing', '1 when its items are missing in lists', ['upstream'], SAME),
  };
  const state = gauge('upstream_state', '1 for the state that the upstream is in', ['upstream', 'state'], SAME);
  const passed = new Counter({
    name: 'patchbay_requests_passed_total',
    help: 'Requests that a worker has passed on to the one that holds their session',
    registers: [registry],
  });
  const workers = gauge('workers', 'Processes that serve the port together');
  const read = (): void => {
    const now = figures();
    workers.set(1);
    passed.reset();
    passed.inc(now.passed);
    sessions.set(now.sessions);
    calls.set(now.calls);
    processes.set(now.processes);
    // upstreams come and go with the configuration
    for (const metric of [state, ...Object.values(ofUpstream)]) metric.reset();
    for (const { upstream, ...one } of now.upstreams) {
      for (const [key, metric] of Object.entries(ofUpstream))
        metric.set({ upstream }, Number(one[key as keyof typeof ofUpstream]));
      for (const name of STATES) state.set({ upstream, state: name }, Number(name === one.state));
    }
  };
  const json = async (): Promise<object[]> => {
    read();
    return registry.getMetricsAsJSON();
  };
  return {
    type: registry.contentType,
    text: async (others = []) => {
      if (others.length > 0) return AggregatorRegistry.aggregate([await json(), ...others]).metrics();
      read();
      return registry.metrics();
    },
    json,
  };
}
