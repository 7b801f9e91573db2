/** After a build: makes `dist/cli.js` a command, and `npx patchbay` find it in this checkout without fetching anything. */
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
chmodSync(join(root, 'dist', 'cli.js'), 0o755);
// Windows has no symbolic links for everyone, and npm's own way works there
if (process.platform !== 'win32' && existsSync(bin)) {
  const link = join(bin, 'patchbay');
  rmSync(link, { force: true });
  symlinkSync(join('..', '..', 'dist', 'cli.js'), link);
}
