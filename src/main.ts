/** The command line: names, options and help of every command. What a command needs is loaded when it runs. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CatalogOptions } from './commands/catalog.ts';
import type { ConfigOptions } from './commands/config.ts';
import { configOption } from './commands/config-option.ts';
import type { ExplainOptions } from './commands/explain.ts';
import type { ImportOptions } from './commands/import.ts';
import { keyCommand, several, signingKeyCommand, userCommand } from './commands/people.ts';
import type { PinOptions } from './commands/pin.ts';
import type { ServeOptions } from './commands/serve.ts';
import type { ValidateOptions } from './commands/validate.ts';
import { HOSTS, type HostName } from './config/hosts.ts';

/** The version of this package. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Runs one command; sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('patchbay')
    .description('An MCP gateway: many MCP servers behind one URL.')
    .version(VERSION, '-v, --version', 'print the version')
    .showHelpAfterError('(patchbay --help lists the commands)')
    .showSuggestionAfterError();

  program
    .command('serve')
    .description('serve the upstreams of a config file')
    .addOption(configOption())
    .option('-p, --port <n>', 'listen on this port (0 takes a free one); wins over PORT and the config', port)
    .option('-H, --host <address>', 'listen on this address; wins over PATCHBAY_HOST and the config')
    .option('--public-url <url>', 'what clients connect to, without /mcp; wins over PATCHBAY_PUBLIC_URL and the config')
    .option('--insecure', 'serve without authentication on an address that other machines can reach')
    .action(async (options: Omit<ServeOptions, 'version'>) => {
      const { serve } = await import('./commands/serve.ts');
      process.exitCode = await serve({ ...options, version: VERSION });
    });

  program
    .command('validate')
    .description('check a config; exit 1 and one line per problem, exit 2 when an upstream cannot be used')
    .addOption(configOption())
    .option('--json', 'print JSON')
    .option('--strict', 'take warnings for problems')
    .option('--connect', 'start or connect to each upstream, and say what it is')
    .action(async (options: ValidateOptions) => {
      const { validate } = await import('./commands/validate.ts');
      process.exitCode = await validate(options, VERSION);
    });

  program
    .command('config')
    .description('print the settings that hold in the end, and where each is from; without secrets')
    .addOption(configOption())
    .option('--written', 'leave out defaults')
    .action(async (options: ConfigOptions) => {
      const { configCommand } = await import('./commands/config.ts');
      process.exitCode = configCommand(options);
    });

  program
    .command('explain <name>')
    .description('say which upstream an exposed name, a URI or upstream/item leads to, and which rules let whom use it')
    .option('--as <user>', 'the user, or the name of an API key')
    .option('--group <group>', 'a group of the user; may be given several times (default: as in users.yaml)', several)
    .option('--scope <scope>', 'a scope of the token; may be given several times', several)
    .option('--client <id>', 'the client that is used')
    .option('--issuer <issuer>', 'who issued the token')
    .option('--claim <name=value>', 'a claim of the token; may be given several times', several)
    .option('--profile <profile>', 'the profile that is connected to', 'default')
    .option('--fresh', 'ask the upstreams, whatever is kept of what they list')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async (name: string, options: ExplainOptions) => {
      const { explain } = await import('./commands/explain.ts');
      process.exitCode = await explain(name, options, VERSION);
    });

  program
    .command('import [file...]')
    .description(
      'turn files of Claude, Cursor, VS Code or Windsurf into upstreams, on stdout; without a file, list them',
    )
    .option('--all', 'take over every file that is in its usual place')
    .option('--keep-secrets', 'leave secrets as they are written out, in place of ${env:NAME}')
    .action(async (files: string[], options: ImportOptions) => {
      const { importCommand } = await import('./commands/import.ts');
      process.exitCode = importCommand(files, options);
    });

  program
    .command('pin [upstream...]')
    .description('record what upstreams say of their tools, prompts and resources, so that a change is noticed')
    .option('--diff', 'record nothing: show what differs from what is recorded; exit 1 when something does')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async (upstreams: string[], options: PinOptions) => {
      const { pin } = await import('./commands/pin.ts');
      process.exitCode = await pin(upstreams, options, VERSION);
    });

  program
    .command('catalog')
    .description('print what clients will see, about how many tokens it takes, and what known hosts will not take')
    .option('--upstream <name>', 'only this upstream; may be given several times', several)
    .addOption(
      new Option(
        '--host <host>',
        'warn for this host; may be given several times (default: names.hosts, else all)',
      ).argParser(host),
    )
    .option('--profile <profile>', 'what the profile selects, for those whom the policy allows everything')
    .option('--fresh', 'ask the upstreams, whatever is kept of what they list')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async (options: CatalogOptions) => {
      const { catalog } = await import('./commands/catalog.ts');
      process.exitCode = await catalog(options, VERSION);
    });

  for (const group of [userCommand(), keyCommand(), signingKeyCommand()]) {
    group.showHelpAfterError().showSuggestionAfterError();
    program.addCommand(group);
  }

  await program.parseAsync([...argv]);
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return value;
}

function host(text: string, before: readonly HostName[] = []): readonly HostName[] {
  const found = HOSTS.find((one) => one === text);
  if (!found) throw new InvalidArgumentError(`Allowed choices are ${HOSTS.join(', ')}.`);
  return [...before, found];
}
