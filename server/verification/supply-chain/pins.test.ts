import { expect, test } from 'bun:test'
import manifest from '../../../package.json' with { type: 'json' }
import { readLockFile } from './lock-file.ts'

const EXACT = /^(npm:(@[\w-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/
const ranges = (versions: Record<string, string>) =>
  Object.entries(versions).flatMap(([name, version]) => (EXACT.test(version) ? [] : [`${name} ${version}`]))

test('package.json names each package by one exact version', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest
  expect(ranges({ ...dependencies, ...devDependencies, ...optionalDependencies })).toEqual([])
})

test.each([
  '^1.2.3',
  '~1.2.3',
  '1.2',
  '1.x',
  '*',
  'latest',
  '>=1.2.3',
  '1.2.3 || 2.0.0',
  'npm:a@^1.2.3',
  'github:a/b',
  'file:../a',
])('%s is not an exact version', (version) => {
  expect(ranges({ a: version })).toEqual([`a ${version}`])
})

test('the image is built with the Bun of package.json, from the lock file', async () => {
  const compose = await Bun.file('compose.yaml').text()
  expect(compose).toContain(`FROM oven/bun:${manifest.devDependencies.bun}-`)
  expect(compose).toContain('bun install --frozen-lockfile')
  expect(manifest.engines.bun).toBe(`>=${manifest.devDependencies.bun}`)
})

test('the lock file has the hash of each package', async () => {
  const { packages } = await readLockFile()
  expect(packages.length).toBeGreaterThan(600)
  expect(packages.filter(({ integrity }) => !/^sha512-[\w+/]{86}==$/.test(integrity)).map(({ path }) => path)).toEqual(
    [],
  )
})

test('no install script runs but those that package.json names, and README.md of this folder gives the reason of each', async () => {
  const { packages, trusted } = await readLockFile()
  expect(trusted).toEqual(manifest.trustedDependencies)
  const scripts = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
  const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
  const table = [...readme.matchAll(/^\| `([^`]+)` +\| (yes|no) +\| \S.*\|$/gm)].map(([, name, runs]) => [name, runs])
  const isTrusted = (name: string) => (manifest.trustedDependencies.includes(name) ? 'yes' : 'no')
  expect(table.toSorted()).toEqual(scripts.map((name) => [name, isTrusted(name)]).toSorted())
})
