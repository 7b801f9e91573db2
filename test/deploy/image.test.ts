/** docker/Dockerfile: what the image runs as, and how it is told to stop and asked whether it is well. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { image } from './dockerfile.ts';
import { ROOT, read } from './files.ts';

describe.each([undefined, 'full'])('the image (%s)', (stage) => {
  const built = image(stage);

  test('runs as a user, by number, so that Kubernetes can tell', () => {
    expect(built.user).toBe('1000:1000');
  });

  test('has a process 1 that passes signals on, and patchbay behind it', () => {
    expect(built.entrypoint).toEqual(['tini', '--', 'patchbay']);
    expect(built.command).toEqual(['serve']);
  });

  test('listens where a published port leads, and keeps its state in the volume', () => {
    expect(built.ports).toEqual([8080]);
    expect(built.env).toMatchObject({
      PATCHBAY_HOST: '0.0.0.0',
      STATE_DIRECTORY: '/app/.patchbay',
      HOME: '/home/node',
    });
    expect(built.volumes).toEqual([built.env.STATE_DIRECTORY]);
  });
});

test('the image is built from what is sent to the builder, and from nothing that is not there', () => {
  const sent = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const copied = [...image('build').copies, ...image().copies]
    .filter((copy) => !copy.startsWith('--from='))
    .flatMap((copy) => copy.split(/\s+/).slice(0, -1));
  for (const path of copied) {
    expect(sent).toContain(path);
    expect(existsSync(join(ROOT, path)), path).toBe(true);
  }
  expect(new Set(sent)).toEqual(new Set(copied));
});

test.each([
  [200, 0],
  [500, 1],
])('the healthcheck makes of status %i the exit code %i', async (status, code) => {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const [program, ...args] = JSON.parse(/CMD (\[.*\])/.exec(image().healthcheck)![1]!) as [string, ...string[]];
  expect(program).toBe('node');
  const { port } = server.address() as AddressInfo;
  const ended = await run(args, { PORT: String(port) });
  server.close();
  expect(asked).toEqual(['/healthz']);
  expect(ended).toBe(code);
});

test('the healthcheck fails where nothing listens', async () => {
  const [, ...args] = JSON.parse(/CMD (\[.*\])/.exec(image().healthcheck)![1]!) as string[];
  expect(await run(args, { PORT: '1' })).toBe(1);
});

function run(args: readonly string[], env: Record<string, string>): Promise<number | null> {
  const child = spawn(process.execPath, args, { env });
  return new Promise((resolve) => child.on('close', resolve));
}
