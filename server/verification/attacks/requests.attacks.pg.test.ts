import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const send = (method: string, path: string, body?: string, type = 'application/json') =>
  fetch(`${instance.url}${path}`, { method, headers: { 'content-type': type }, ...(body !== undefined && { body }) })

describe('a number in a path has decimal digits only', () => {
  const others = ['0x10', '0b1', '0o7', '1e3', '01', '%2B5', '-5', '%205', '5%20', '5.0', '1_000', 'Infinity', '%D9%A5']
  test.each(others)('%s is not accepted as an ID', async (id) => {
    for (const [method, path] of [
      ['GET', `/api/orders/${id}`],
      ['DELETE', `/api/orders/${id}`],
      ['GET', `/api/tasks/${id}`],
      ['POST', `/api/tasks/${id}/cancel`],
      ['POST', `/api/notifications/${id}/read`],
      ['GET', `/api/tasks/${id}/files/a`],
    ] as const) {
      const response = await send(method, path)
      expect([path, response.status, await response.json()]).toMatchObject([
        path,
        400,
        { code: 'request.invalid', path: 'id' },
      ])
    }
  })

  test.each(others)('%s is accepted neither as a page limit nor as a cursor', async (number) => {
    for (const list of ['orders', 'tasks', 'notifications']) {
      for (const parameter of ['limit', 'before']) {
        const response = await send('GET', `/api/${list}?${parameter}=${number}`)
        const problem = { code: 'request.invalid', path: parameter, detail: expect.stringContaining('decimal digits') }
        expect([response.status, await response.json()]).toMatchObject([400, problem])
      }
    }
  })

  test('digits are accepted', async () => {
    expect((await send('GET', '/api/orders/16')).status).toBe(404)
    expect((await send('GET', '/api/orders?limit=10&before=9007199254740991')).status).toBe(200)
  })
})

test('an unsupported method is 405, whatever the request carries and whatever resource is beside it', async () => {
  const others = {
    '/api/orders/count': ['POST', 'PUT', 'PATCH', 'DELETE'],
    '/api/orders/import': ['GET', 'PUT', 'PATCH', 'DELETE'],
    '/api/orders': ['PUT', 'PATCH', 'DELETE'],
    '/api/orders/1': ['POST', 'PUT', 'PATCH'],
    '/api/orders/x': ['POST', 'PUT', 'PATCH'],
    '/api/orders/1/transitions': ['GET', 'PUT', 'PATCH', 'DELETE'],
    '/api/tasks/count': ['POST', 'PUT', 'PATCH', 'DELETE'],
    '/api/tasks/1': ['POST', 'PUT'],
    '/api/notifications/read': ['GET', 'PUT', 'PATCH', 'DELETE'],
    '/api/lab/faults': ['GET', 'PUT', 'DELETE'],
    '/events': ['PUT', 'PATCH', 'DELETE'],
  }
  for (const [path, methods] of Object.entries(others)) {
    for (const method of methods) {
      const bodies = method === 'GET' ? [undefined] : [undefined, '{', '{"description":"x"}']
      for (const body of bodies) {
        for (const type of ['application/json', 'text/plain']) {
          const response = await send(method, path, body, type)
          expect([method, path, response.status]).toEqual([method, path, 405])
          expect(response.headers.get('allow')).not.toContain(method)
        }
      }
    }
  }
})

test('an idempotency key of null counts as missing: the header applies, and without one every event is new', async () => {
  const publish = async (headers: Record<string, string> = {}) => {
    const body = '[{"channel":"nulls","type":"t","key":null}]'
    const response = await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    expect(response.status).toBe(201)
    return ((await response.json()) as { positions: number[] }).positions[0]
  }
  expect(await publish()).not.toBe(await publish())
  expect(await publish({ 'idempotency-key': 'k' })).toBe(await publish({ 'idempotency-key': 'k' }))
})

test('an overlong first line of a CSV file is reported as too long, not as invalid UTF-8', async () => {
  const response = await send('POST', '/api/orders/import', `${'customer,'.repeat(10_000)}\n`, 'text/csv')
  const { id } = (await response.json()) as { id: number }
  for (;;) {
    const { state, error } = (await (await send('GET', `/api/tasks/${id}`)).json()) as { state: string; error: string }
    if (state === 'queued' || state === 'running') continue
    expect([state, error]).toEqual(['failed', expect.stringContaining('more than 65,536 bytes')])
    return
  }
})
