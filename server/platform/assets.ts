import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isCompiled } from './program.ts'

// The folders embedded with `--asset` are beside the modules of a compiled binary.
const root = isCompiled ? import.meta.dir : join(import.meta.dir, '../..')

/** Folder of the numbered SQL files. */
export const migrationsDirectory = join(root, 'migrations')

/** Folder of the built dashboard, or `undefined` when it has not been built. */
export function dashboardDirectory(): string | undefined {
  const directory = join(root, isCompiled ? 'web' : 'dist/web')
  return existsSync(join(directory, 'index.html')) ? directory : undefined
}
