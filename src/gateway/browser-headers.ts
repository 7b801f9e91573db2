/** Headers that tell browsers what not to do with an answer. */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

const YEAR = 31_536_000;

const NOSNIFF = ['x-content-type-options', 'nosniff'] as const;

/**
 * For everything that is sent through the framework: an answer is what its Content-Type says. What is written without it
 * has the header in its head (SSE_HEAD, JSON_HEAD): one that is set before makes each head dearer.
 */
export function neverSniffed(app: FastifyInstance): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header(...NOSNIFF);
    done(null, payload);
  });
}

/**
 * For what a person looks at: nothing is loaded, nothing is framed, and no address leaks. A page with a policy of its own
 * sets it over this one. To be called before there are routes in the scope.
 * @param https whether clients come by https alone
 */
export async function protectPages(scope: FastifyInstance, https: boolean): Promise<void> {
  // some of them are written by a library
  scope.addHook('onRequest', (_request, reply, done) => {
    reply.raw.setHeader(...NOSNIFF);
    done();
  });
  await scope.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // clients open the sign-in in a window of their own, and their page in it speaks with the one that opened it
    crossOriginOpenerPolicy: false,
    // metadata and tokens are fetched by pages of other origins
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    hsts: https && { maxAge: YEAR, includeSubDomains: false },
  });
}
