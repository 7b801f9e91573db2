#!/usr/bin/env node
/** The `patchbay` command: checks the runtime before anything that needs it is loaded. */
const NEEDED = [22, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `patchbay needs Node.js ${NEEDED.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      'In a checkout, "npm start" brings its own; elsewhere, install a newer Node.js and try again.\n',
  );
  process.exit(1);
}

const { main } = await import('./main.ts');
await main(process.argv);

export {};
