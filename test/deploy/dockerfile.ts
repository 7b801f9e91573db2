/** What docker/Dockerfile says of the image: the last value of each instruction, by stage. */
import { read } from './files.ts';

export interface Image {
  readonly user: string;
  readonly ports: readonly number[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly healthcheck: string;
  /** What it takes from other stages or the build folder. */
  readonly copies: readonly string[];
}

const lines = read('docker/Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');

/** @param name of a stage; default the last one */
export function image(name?: string): Image {
  const starts = lines.flatMap((line, i) => (line.startsWith('FROM ') ? [i] : []));
  const begin = name === undefined ? starts.at(-1)! : starts.find((i) => lines[i]!.endsWith(` AS ${name}`));
  if (begin === undefined) throw new Error(`docker/Dockerfile has no stage ${name}`);
  const own = lines.slice(begin, starts.find((i) => i > begin) ?? lines.length);
  const from = /^FROM (\S+)/.exec(own[0]!)![1]!;
  const base = lines.some((line) => line.endsWith(` AS ${from}`)) ? image(from) : undefined;
  const all = (instruction: string): string[] =>
    own.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1).trim());
  const list = (instruction: string): string[] | undefined => {
    const text = all(instruction).at(-1);
    return text === undefined ? undefined : (JSON.parse(text) as string[]);
  };
  return {
    user: all('USER').at(-1) ?? base?.user ?? 'root',
    ports: [...(base?.ports ?? []), ...all('EXPOSE').map(Number)],
    entrypoint: list('ENTRYPOINT') ?? base?.entrypoint ?? [],
    command: list('CMD') ?? base?.command ?? [],
    env: Object.fromEntries([
      ...Object.entries(base?.env ?? {}),
      ...all('ENV').flatMap((text) => [...text.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value])),
    ]),
    volumes: [...(base?.volumes ?? []), ...(list('VOLUME') ?? [])],
    healthcheck: all('HEALTHCHECK').at(-1) ?? base?.healthcheck ?? '',
    copies: [...(base?.copies ?? []), ...all('COPY')],
  };
}
