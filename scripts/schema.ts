/** Writes `config/patchbay.schema.json` from the config schema; run it after changing one of its keys. */
import { writeFileSync } from 'node:fs';
import { configJsonSchemaText } from '../src/config/json-schema.ts';

const file = new URL('../config/patchbay.schema.json', import.meta.url);
writeFileSync(file, configJsonSchemaText());
