/** The option by which every command learns of its config files. */
import { Option } from 'commander';

const DEFAULT_CONFIG = 'config/patchbay.yaml';

/**
 * `--config FILE`, which may be given several times: later files win. The value is a list of at least one path; without the
 * option it is the file that `PATCHBAY_CONFIG` names, else the default config.
 */
export function configOption(description = 'config file'): Option {
  const preset: readonly string[] = [process.env.PATCHBAY_CONFIG || DEFAULT_CONFIG];
  return new Option('-c, --config <file>', `${description}; of several, later ones win`)
    .default(preset, preset[0])
    .argParser((file, before: readonly string[]) => (before === preset ? [file] : [...before, file]));
}
