import { beforeAll, expect, test } from 'bun:test'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { createSbom } from './sbom.ts'

interface Component {
  'bom-ref': string
  name: string
  version: string
  purl: string
  scope: string
  licenses?: unknown[]
  hashes?: { alg: string; content: string }[]
}
let text: string
let components: Component[]
let dependencies: { ref: string; dependsOn?: string[] }[]
beforeAll(async () => {
  text = await createSbom()
  ;({ components, dependencies } = JSON.parse(text))
})

const component = (reference: string) => components.find((found) => found['bom-ref'] === reference)

test('the bill of materials is valid by the schema of CycloneDX 1.6, and one without a name is not', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
  expect(await validator.validate(text)).toBeNull()
  expect(await validator.validate(text.replace('"name": "elysia"', '"nom": "elysia"'))).not.toBeNull()
})

test('the same checkout gives the same text', async () => {
  expect(await createSbom()).toBe(text)
})

test('each package has its version, its address, and its hash of the lock file', () => {
  expect(component('pkg:npm/jose@6.2.18')).toMatchObject({
    version: '6.2.18',
    purl: 'pkg:npm/jose@6.2.18',
    scope: 'required',
    licenses: [{ license: { id: 'MIT' } }],
    hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
  })
  const packages = components.filter(({ purl }) => purl.startsWith('pkg:npm/'))
  expect(packages.length).toBeGreaterThan(500)
  expect(packages.filter(({ hashes }) => hashes?.length !== 1)).toEqual([])
})

test('what is part of the program has a license', () => {
  const required = components.filter(({ scope }) => scope === 'required')
  expect(required.length).toBeGreaterThan(100)
  expect(required.filter(({ licenses }) => licenses === undefined).map(({ purl }) => purl)).toEqual([])
})

test.each([
  ['required', ['elysia', 'postgres', 'solid-js', 'uplot', 'bun', 'zrender']],
  ['optional', ['%40embedded-postgres/linux-x64', 'postgresql']],
  ['excluded', ['knip', 'playwright-core', 'vite', '%40cyclonedx/cyclonedx-library']],
])('the scope of what the server and the dashboard use, and of what builds them: %s', (scope, names) => {
  for (const name of names) {
    const found = components.filter(({ purl }) => /^pkg:(npm|generic)\/(.*)@/.exec(purl)?.[2] === name)
    expect([name, found.map((component) => component.scope)]).toEqual([name, [scope]])
  }
})

test('the graph leads from the program to Bun, to its packages, and to the embedded Postgres', () => {
  const needs = (ref: string) => dependencies.find((found) => found.ref === ref)?.dependsOn ?? []
  const reached = new Set(['sse-update'])
  for (const ref of reached) for (const needed of needs(ref)) reached.add(needed)
  for (const { 'bom-ref': ref, scope } of components)
    if (scope !== 'excluded') expect([ref, reached.has(ref)]).toEqual([ref, true])
})
