/** What is valid in a config and yet probably not meant. */
import { accessWarnings } from './access-warnings.ts';
import { exposureWarnings } from './auth-exposure.ts';
import { authWarnings } from './auth-rules.ts';
import type { Finding } from './finding.ts';
import { type Origins, pathKey } from './interpolate.ts';
import { hasPort } from './port.ts';
import type { Config, UpstreamConfig } from './schema.ts';

const SECRET_NAME = /authorization|cookie|token|secret|password|passwd|api[-_]?key|credential/i;

/**
 * @param origins tells a secret that is written out from one that came from a placeholder
 * @param pathOf where in the file an upstream stands, since it may be under any of three keys
 */
export function* warningsOf(
  config: Config,
  origins: Origins,
  pathOf: (upstream: string) => readonly PropertyKey[],
): Iterable<Finding> {
  const upstreams = Object.entries(config.upstreams);
  if (!upstreams.some(([, { enabled }]) => enabled)) {
    yield { message: 'no upstream is enabled', mend: 'add one under `upstreams`', subject: 'none' };
  }
  yield* exposureWarnings(config);
  yield* authWarnings(config.auth);
  yield* authSecrets(config.auth, origins);
  yield* accessWarnings(config);
  for (const [name, upstream] of upstreams) {
    yield* plainSecrets(upstream, origins, pathOf(name));
    yield* portUnused(upstream, pathOf(name));
    if (config.server.workers !== 1) yield* onePort(upstream, pathOf(name));
    yield* commandLine(upstream, pathOf(name));
  }
}

function* plainSecrets(upstream: UpstreamConfig, origins: Origins, path: readonly PropertyKey[]): Iterable<Finding> {
  const secrets = {
    headers: 'headers' in upstream ? upstream.headers : {},
    env: 'env' in upstream ? upstream.env : {},
  };
  for (const [key, values] of Object.entries(secrets)) {
    for (const [name, value] of Object.entries(values)) {
      const at = [...path, key, name];
      if (!SECRET_NAME.test(name) || value === '' || origins.has(pathKey(at))) continue;
      yield writtenOut(at);
    }
  }
}

function* authSecrets({ introspection, embedded }: Config['auth'], origins: Origins): Iterable<Finding> {
  const places = introspection.map((_, i) => ['auth', 'introspection', i, 'clientSecret']);
  if (embedded.federation?.clientSecret !== undefined) places.push(['auth', 'embedded', 'federation', 'clientSecret']);
  for (const path of places) if (!origins.has(pathKey(path))) yield writtenOut(path);
}

const writtenOut = (path: readonly PropertyKey[]): Finding => ({
  path,
  message: 'looks like a secret written out in the file',
  mend: `take it from the environment with \${env:NAME}, or from a file with \${secret:NAME} or \${file:/path}`,
  subject: 'none',
});

/** The process learns its port from `args` or `env`; the gateway finds it through `url`. */
function* portUnused(upstream: UpstreamConfig, path: readonly PropertyKey[]): Iterable<Finding> {
  if (upstream.kind !== 'started-http') return;
  const told = [...upstream.args, ...Object.values(upstream.env)].some(hasPort);
  if (told === hasPort(upstream.url)) return;
  const [has, lacks] = told ? ['`args` or `env`', '`url`'] : ['`url`', '`args` and `env`'];
  yield { path, message: `\${port} is in ${has} but not in ${lacks}`, mend: `use it in both`, subject: 'none' };
}

/** Each worker starts the server for itself, and no two of them can have the same port. */
function* onePort(upstream: UpstreamConfig, path: readonly PropertyKey[]): Iterable<Finding> {
  if (upstream.kind !== 'started-http' || hasPort(upstream.url)) return;
  const message = 'each of server.workers starts this server, and all but the first will find its port taken';
  yield { path, message, mend: `use \${port} in \`url\` and in \`args\` or \`env\``, subject: 'none' };
}

function* commandLine(upstream: UpstreamConfig, path: readonly PropertyKey[]): Iterable<Finding> {
  if (!('command' in upstream) || upstream.args.length > 0 || !/\S\s+-/.test(upstream.command)) return;
  yield {
    path: [...path, 'command'],
    message: 'the command seems to have its arguments in it',
    mend: 'move them to `args`, one item each',
    subject: 'none',
  };
}
