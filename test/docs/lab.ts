/**
 * A folder that looks like a checkout to a reader who types what a page says. `npm ci` and the build are done already. A
 * gateway that a command starts goes on in the background, once it is ready, for the commands after it; a second one takes
 * its place. It is on a port of its own: what pages call 8080 or 9000.
 */
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from './free-port.ts';
import { ROOT } from './pages.ts';

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

const LINKED = ['node_modules', 'dist', 'src', 'scripts', 'package.json', 'docker', 'deploy', 'README.md'];
/** Milliseconds that the commands of one block may take. */
const LIMIT = 90_000;

/** What these are in the lab. Everything else is what the machine has. */
const COMMANDS: Readonly<Record<string, string>> = {
  npm: `case "$*" in
  ci | 'run build') ;; # done
  start) shift; exec patchbay serve ;;
  'start -- '*) shift 2; exec patchbay serve "$@" ;;
  'run demo') exec node scripts/demo.ts ;;
  'run demo -- '*) shift 3; exec node scripts/demo.ts "$@" ;;
  *) echo "the lab does not know: npm $*" >&2; exit 127 ;;
esac`,
  npx: `case "$1" in
  patchbay) shift; exec patchbay "$@" ;;
  @modelcontextprotocol/inspector) shift; exec mcp-inspector "$@" ;;
  *) echo "the lab does not know: npx $*" >&2; exit 127 ;;
esac`,
  // one that is built from source takes itself for that of a Kubernetes long past, unless it is told another
  helm: 'PATH=${PATH#*:} exec helm "$@" --kube-version 1.31.0',
  patchbay: `[[ $1 == serve ]] || exec node "$LAB/dist/cli.js" "$@"
if [[ -s $LAB_STATE/pid ]]; then
  pid=$(<"$LAB_STATE/pid"); kill "$pid" 2>/dev/null || true
  for _ in {1..200}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
fi
setsid node "$LAB/dist/cli.js" "$@" </dev/null >"$LAB_STATE/log" 2>&1 &
echo $! >"$LAB_STATE/pid"
for _ in {1..600}; do
  curl -fs "http://127.0.0.1:$PORT/readyz" >/dev/null && { cat "$LAB_STATE/log"; exit 0; }
  kill -0 $! 2>/dev/null || { cat "$LAB_STATE/log"; wait $!; exit; }
  sleep 0.05
done
echo 'not ready after 30 s' >&2; exit 1`,
};

export class Lab {
  /** The folder that looks like a checkout. */
  readonly folder: string;
  readonly port: number;
  readonly #base: string;
  readonly #env: Record<string, string>;

  private constructor(port: number) {
    this.port = port;
    this.#base = mkdtempSync(join(tmpdir(), 'patchbay-docs-'));
    this.folder = join(this.#base, 'patchbay');
    const bin = join(this.#base, 'bin');
    for (const folder of [this.folder, bin, this.#file('home'), this.#file('state')]) mkdirSync(folder);
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.folder, name));
    cpSync(join(ROOT, 'config'), join(this.folder, 'config'), { recursive: true });
    for (const [name, script] of Object.entries(COMMANDS)) {
      writeFileSync(join(bin, name), `#!/usr/bin/env bash\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    writeFileSync(this.#file('env'), '');
    const path = [bin, dirname(process.execPath), join(ROOT, 'node_modules', '.bin'), process.env.PATH ?? ''];
    this.#env = {
      PATH: path.join(delimiter),
      HOME: this.#file('home'),
      TMPDIR: this.#base,
      LAB: this.folder,
      LAB_STATE: this.#file('state'),
      PORT: String(port),
      ...(process.env.NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
      NO_COLOR: '1',
      LANG: 'C.UTF-8',
    };
  }

  static async open(): Promise<Lab> {
    return new Lab(await freePort());
  }

  #file(name: string): string {
    return join(this.#base, name);
  }

  /** A text of a page, with the port that is the lab's. */
  placed(text: string): string {
    return text
      .replace(/\b(127\.0\.0\.1|localhost):(8080|9000)\b/g, `$1:${this.port}`)
      .replace(/--port 9000\b/g, `--port ${this.port}`);
  }

  write(path: string, text: string): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, this.placed(text));
  }

  /** What the gateway that runs has written so far. */
  get log(): string {
    return readFileSync(join(this.#file('state'), 'log'), 'utf8');
  }

  /** Runs commands as a shell does that a reader has open: variables and the folder stay for the next. */
  async run(commands: string): Promise<Ran> {
    const env = this.#file('env');
    const script = `cd "$LAB"; set -a; source ${env}; set -eo pipefail\n${this.placed(commands)}\nset +e\n{ declare -p | grep -E '^declare -x [A-Z_]*(KEY|TOKEN|URL|ID|PASSWORD)='; echo "cd '$PWD'"; } > ${env}\n`;
    const child = spawn('bash', ['-c', script], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (output += part));
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), LIMIT);
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    clearTimeout(timer);
    return { code, output };
  }

  /** Stops what still runs, and removes the folder. @throws Error when the gateway did not end with 0 */
  async close(): Promise<void> {
    try {
      await this.run(
        'if [[ -s $LAB_STATE/pid ]]; then kill "$(<"$LAB_STATE/pid")" 2>/dev/null; while kill -0 "$(<"$LAB_STATE/pid")" 2>/dev/null; do sleep 0.05; done; fi; true',
      );
    } finally {
      rmSync(this.#base, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}
