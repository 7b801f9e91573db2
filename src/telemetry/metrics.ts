/** Figures for Prometheus, read from the running gateway when they are asked for: the path of a call pays nothing. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

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
}

const STATES = ['unknown', 'up', 'failing', 'down'];

/**
 * @param figures tells how things are now
 * @returns what answers a scrape: its media type, and its text in the Prometheus exposition format
 */
export function createMetrics(figures: () => Figures): { readonly type: string; text(): Promise<string> } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labels: readonly string[] = []) =>
    new Gauge({ name: `patchbay_${name}`, help, labelNames: labels, registers: [registry] });
  const sessions = gauge('sessions', 'Sessions of clients');
  const calls = gauge('calls', 'Calls in progress');
  const processes = gauge('processes', 'Processes of upstreams');
  const ofUpstream = {
    failures: gauge('upstream_failures', 'Failures in a row', ['upstream']),
    links: gauge('upstream_links', 'Links that are open or opening', ['upstream']),
    inFlight: gauge('upstream_calls', 'Requests that wait for an answer', ['upstream']),
    changed: gauge('upstream_definitions_changed', 'Items whose definitions are not the pinned ones', ['upstream']),
    unpinned: gauge('upstream_definitions_unpinned', 'Items that are not pinned, of an upstream that is', ['upstream']),
    missing: gauge('upstream_missing', '1 when its items are missing in lists', ['upstream']),
  };
  const state = gauge('upstream_state', '1 for the state that the upstream is in', ['upstream', 'state']);
  return {
    type: registry.contentType,
    text: () => {
      const now = figures();
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
      return registry.metrics();
    },
  };
}
