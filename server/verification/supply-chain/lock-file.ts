import { join } from 'node:path'

/** A package as bun.lock has it. */
export interface LockedPackage {
  /** Its place: `a/b` is the `b` that only `a` uses, in `node_modules/a/node_modules/b`. */
  path: string
  name: string
  version: string
  /** `sha512-…`, in base64 (Subresource Integrity). */
  integrity: string
  /** Whether it has a script that package managers run when they install it. */
  hasInstallScript: boolean
  /** The packages that it needs, and those that it can do without. */
  needs: LockedPackage[]
}

/** What bun.lock says. */
export interface LockFile {
  packages: LockedPackage[]
  /** The package that package.json calls by a name. @throws {Error} when there is none */
  direct(name: string): LockedPackage
  /** Packages whose install scripts run, as in package.json; `undefined` when the list is missing. */
  trusted: string[] | undefined
}

interface Details {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  hasInstallScript?: boolean
}
interface Content {
  lockfileVersion: number
  packages: Record<string, [string, string, Details, string]>
  trustedDependencies?: string[]
}

const root = join(import.meta.dir, '../../..')

/** Reads bun.lock. @throws {Error} when it has another version than this code knows */
export async function readLockFile(path = join(root, 'bun.lock')): Promise<LockFile> {
  const { lockfileVersion, packages, trustedDependencies } = Bun.JSONC.parse(await Bun.file(path).text()) as Content
  if (lockfileVersion !== 2) throw new Error(`bun.lock has version ${lockfileVersion}, expected 2`)
  const found = new Map(
    Object.entries(packages).map(([at, [id, , details, integrity]]) => {
      const split = id.lastIndexOf('@')
      const [name, version] = [id.slice(0, split), id.slice(split + 1)]
      const locked: LockedPackage = {
        path: at,
        name,
        version,
        integrity,
        hasInstallScript: !!details.hasInstallScript,
        needs: [],
      }
      return [at, locked]
    }),
  )
  for (const [at, [, , details]] of Object.entries(packages)) {
    const names = Object.keys({ ...details.dependencies, ...details.optionalDependencies, ...details.peerDependencies })
    // An optional peer that nobody installed is missing.
    found.get(at)?.needs.push(...names.flatMap((name) => resolve(found, at, name) ?? []))
  }
  const direct = (name: string) => {
    const locked = found.get(name)
    if (locked) return locked
    throw new Error(`bun.lock has no package ${name}`)
  }
  return { packages: [...found.values()], direct, trusted: trustedDependencies }
}

/** As Node looks it up: in the package's own folder, then in those around it. */
function resolve(found: ReadonlyMap<string, LockedPackage>, from: string, name: string): LockedPackage | undefined {
  const folders = from.match(/(@[^/]+\/)?[^/]+/g) ?? []
  for (let depth = folders.length; depth >= 0; depth--) {
    const locked = found.get([...folders.slice(0, depth), name].join('/'))
    if (locked) return locked
  }
  return undefined
}

/** Packages and all that they need. */
export function closureOf(packages: Iterable<LockedPackage>): Set<LockedPackage> {
  const closure = new Set(packages)
  // A set yields what is added while it is iterated.
  for (const locked of closure) for (const needed of locked.needs) closure.add(needed)
  return closure
}

/** The folder in which a package is installed. */
export const folderOf = ({ path }: LockedPackage): string =>
  join(root, 'node_modules', (path.match(/(@[^/]+\/)?[^/]+/g) ?? []).join('/node_modules/'))
