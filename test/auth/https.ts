/** A web server with a certificate for `*.example.test`, `localhost` and 127.0.0.1, and what makes this process trust it. */
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';

const pem = (name: string) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url), 'utf8');

/** For NODE_EXTRA_CA_CERTS of a process. */
export const CERTIFICATE = fileURLToPath(new URL('./tls/cert.pem', import.meta.url));

/** From now on, this process trusts those servers. */
export const trustThem = (): void => setDefaultCACertificates([...getCACertificates('default'), pem('cert')]);

export interface Web {
  readonly port: number;
  /** How many requests came so far. */
  readonly hits: number;
  /** How often somebody connected so far. */
  readonly connections: number;
  close(): Promise<void>;
}

/** @param scheme `http` or `https` */
export async function startWeb(scheme: 'http' | 'https', listener: RequestListener, host = '127.0.0.1'): Promise<Web> {
  let hits = 0;
  let connections = 0;
  const counted: RequestListener = (req, res) => {
    hits++;
    listener(req, res);
  };
  const server = scheme === 'http' ? createHttp(counted) : createHttps({ key: pem('key'), cert: pem('cert') }, counted);
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get hits() {
      return hits;
    },
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
