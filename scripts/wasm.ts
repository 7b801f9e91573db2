/** `npm run wasm`: puts long-string.wat into long-string.ts. Needs `wat2wasm` (Debian: wabt). */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../src/protocol/json/', import.meta.url));

/** The module that the source says, in Base64. @throws Error when wat2wasm is not there or finds a mistake */
export function assemble(): string {
  const args = [`${folder}long-string.wat`, '--output=-'];
  return execFileSync('wat2wasm', args).toString('base64');
}

if (import.meta.main) {
  const file = `${folder}long-string.ts`;
  const text = readFileSync(file, 'utf8').replace(/(?<=export const MODULE =)\s*(?:\n\s*)?'[^']*'/, ` '${assemble()}'`);
  writeFileSync(file, text);
}
