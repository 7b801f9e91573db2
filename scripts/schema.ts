/** Writes what follows from the config schema: its JSON Schema and its reference. To be run after changing one of its keys. */
import { writeFileSync } from 'node:fs';
import { configJsonSchemaText } from '../src/config/json-schema.ts';
import { configReference } from '../src/config/reference.ts';

const root = new URL('../', import.meta.url);
writeFileSync(new URL('config/patchbay.schema.json', root), configJsonSchemaText());
writeFileSync(new URL('docs/configuration.md', root), configReference());
