/** Logs without a terminal: one JSON object a line on stderr, and nothing else anywhere. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Run, start } from './cli-process.ts';
import { ROOT } from './default-gateway.ts';
import { connectV1 } from './sdk-clients.ts';

const SECRET = 'tOp-5ecret-value';

describe('serve without a terminal', () => {
  let folder: string;
  let ended: Run;
  let lines: Record<string, unknown>[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'patchbay-logs-'));
    const { upstreams } = parse(await readFile(join(ROOT, 'config', 'patchbay.yaml'), 'utf8')) as {
      upstreams: Record<string, object>;
    };
    const memory = { command: 'mcp-server-memory', env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } };
    const remote = { url: 'http://127.0.0.1:9/mcp', headers: { Authorization: 'Bearer ${env:E2E_SECRET}' } };
    const config = join(folder, 'patchbay.yaml');
    await writeFile(config, stringify({ upstreams: { ...upstreams, memory, remote }, log: { level: 'trace' } }));

    const gateway = start(['serve', '--config', config, '--port', '0'], { env: { E2E_SECRET: SECRET } });
    const { promise: url, resolve } = Promise.withResolvers<string>();
    gateway.child.stderr!.on('data', () => {
      const listening = /"url":"(http[^"]+)".*"msg":"listening"/.exec(gateway.stderr)?.[1];
      if (listening) resolve(listening);
    });
    const failed = gateway.ended.then(({ stderr }) => Promise.reject(new Error(`it ended early: ${stderr}`)));
    failed.catch(() => undefined);
    const client = await connectV1(await Promise.race([url, failed]));
    await client.call('everything__echo', { message: 'hello' });
    await client.close();
    gateway.child.kill();
    ended = await gateway.ended;
    lines = ended.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('writes only JSON objects, each with level, time and text', () => {
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines)
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(trace|debug|info|warn|error|fatal)$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        msg: expect.stringMatching(/./),
      });
  });

  it('writes nothing on stdout and ends with 0', () => {
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('tells when it listens, when each upstream is ready, and when it stops', () => {
    const texts = lines.map(({ msg }) => msg);
    expect(texts[0]).toBe('listening');
    expect(texts.at(-1)).toBe('stopped');
    const ready = lines.filter(({ msg }) => msg === 'upstream ready').map(({ upstream }) => upstream);
    expect(new Set(ready)).toEqual(new Set(['everything', 'everything-http', 'files', 'memory']));
  });

  it('names the upstream that cannot be reached, and no secret', () => {
    expect(lines).toContainEqual(expect.objectContaining({ upstream: 'remote', level: 'warn' }));
    expect(ended.stderr).not.toContain(SECRET);
  });
});
