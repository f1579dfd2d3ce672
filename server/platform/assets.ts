import { existsSync } from 'node:fs'
import { join } from 'node:path'

// In a compiled binary every module is in /$bunfs/root, as are the folders embedded with `--asset`.
const compiled = import.meta.dir.startsWith('/$bunfs/') || import.meta.dir.includes('~BUN')
const root = compiled ? import.meta.dir : join(import.meta.dir, '../..')

/** Folder of the numbered SQL files. */
export const migrationsDirectory = join(root, 'migrations')

/** Folder of the built dashboard, or `undefined` when it has not been built. */
export function dashboardDirectory(): string | undefined {
  const directory = join(root, compiled ? 'web' : 'dist/web')
  return existsSync(join(directory, 'index.html')) ? directory : undefined
}
