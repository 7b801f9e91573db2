/** Every route of the server. */
import type { FastifyInstance } from 'fastify';
import { MCP_PATH } from '../auth/profiles.ts';
import { authRoutes } from './auth-routes.ts';
import { protectPages } from './browser-headers.ts';
import { figuresOf } from './figures.ts';
import type { Gateway } from './gateway.ts';
import { preflight } from './guard.ts';
import { endSession, openStream } from './legacy-stream.ts';
import { callLimit, limitSignIn } from './limits.ts';
import { arrive, arriveForMetrics, post } from './pipeline.ts';
import { SseDoor } from './sse-door.ts';

export type Readiness = () => 'starting' | 'ready' | 'draining';

export interface RouteOptions {
  /** Whether figures for Prometheus are served. */
  readonly metrics: boolean;
  /** Whether hosts that speak HTTP+SSE of 2024-11-05 are served, too. */
  readonly sse: boolean;
}

export function routes(app: FastifyInstance, gateway: Gateway, options: RouteOptions, readiness: Readiness): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const status = readiness();
    return reply.code(status === 'ready' ? 200 : 503).send({ status });
  });

  if (options.metrics) {
    app.register(async (scope) => {
      // loaded where it is used: it takes a tenth of the start
      const { createMetrics } = await import('../telemetry/metrics.ts');
      const metrics = createMetrics(() => figuresOf(gateway));
      if (gateway.peers) gateway.peers.own = () => metrics.json();
      scope.get('/metrics', async (request, reply) => {
        await arriveForMetrics(gateway, request, reply);
        return reply.type(metrics.type).send(await metrics.text(await gateway.peers?.figures()));
      });
    });
  }

  authRoutes(app, gateway);
  const { signIn } = gateway;
  if (signIn) {
    app.register(async (scope) => {
      await protectPages(scope, signIn.base.startsWith('https:'));
      await limitSignIn(scope, () => gateway.door.signIn, gateway.door.audit);
      const { mountServer } = await import('../auth/server/mount.ts');
      await mountServer(scope, signIn, MCP_PATH);
    });
  }
  app.decorateRequest('principal');
  app.decorateRequest('profile');
  app.register(async (mcp) => {
    const admit = callLimit(() => gateway.door, gateway.open, gateway.peers?.tallies);
    const door = options.sse ? new SseDoor(gateway) : undefined;
    mcp.addHook('onRequest', (request, reply, done) => {
      const checked = arrive(gateway, request, reply, admit);
      if (checked) checked.then(() => done(), done);
      else done();
    });
    // the default profile, and the others
    for (const profile of ['', '/:profile']) {
      const url = `${MCP_PATH}${profile}`;
      mcp.post(url, (request, reply) => post(gateway, request, reply));
      mcp.get(url, async (request, reply) => openStream(gateway, request, reply));
      mcp.delete(url, async (request, reply) => endSession(gateway, request, reply));
      mcp.options(url, async (request, reply) => preflight(request, reply));
      // refused by the guard, with the methods that are served
      mcp.route({ method: ['HEAD', 'PUT', 'PATCH'], url, handler: async () => undefined });
      if (!door) continue;
      mcp.get(`/sse${profile}`, async (request, reply) => door.open(request, reply));
      mcp.post(`/messages${profile}`, (request, reply) => door.post(request, reply));
      for (const at of ['/sse', '/messages'])
        mcp.options(`${at}${profile}`, async (request, reply) => preflight(request, reply));
    }
  });
}
