import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from './runtime.ts'
import { createDatabase, type TestDatabase } from './testing/database.ts'
import { startInstance } from './testing/instance.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance.stop()
  await database[Symbol.asyncDispose]()
})

describe('a path that has no route', () => {
  const problemAt = async (path: string, headers = {}) => {
    const response = await fetch(`${instance.url}${path}`, { headers })
    return [response.status, await response.json()]
  }

  test.each([
    ['/api/order', '/api/orders'],
    ['/api/order/17', '/api/orders/{id}'],
    ['/event', '/events'],
    ['/ready', '/readyz'],
  ])('%s suggests %s', async (path, suggestion) => {
    expect(await problemAt(path)).toMatchObject([
      404,
      { code: 'route.unknown', suggestion, detail: `There is nothing at ${path}. Did you mean ${suggestion}?` },
    ])
  })

  test('that is near none names the document of all routes', async () => {
    const [status, problem] = await problemAt('/nowhere/at/all')
    expect([status, problem]).toMatchObject([404, { detail: expect.stringContaining('/openapi.json') }])
    expect(problem).not.toHaveProperty('suggestion')
  })

  test('below /api is a problem document for a browser, too', async () => {
    expect(await problemAt('/api/order', { accept: 'text/html' })).toMatchObject([404, { code: 'route.unknown' }])
  })
})
