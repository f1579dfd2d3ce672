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

async function publish(body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${instance.url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('a repeated idempotency key on POST /events', () => {
  test('with the same event returns the position of the first, in any order of members', async () => {
    const first = await publish({ channel: 'a', type: 't', data: { n: 1, m: 2 }, key: 'same' })
    expect(first.status).toBe(201)
    expect(await publish({ channel: 'a', type: 't', data: { n: 1, m: 2 }, key: 'same' })).toEqual(first)
    expect(await publish({ key: 'same', data: { m: 2, n: 1 }, type: 't', channel: 'a' })).toEqual(first)
  })

  test('with other data or another type is refused, not dropped silently', async () => {
    await publish({ channel: 'a', type: 't', data: 1, key: 'other' })
    const refused = { status: 422, body: { code: 'key.reused' } }
    expect(await publish({ channel: 'a', type: 't', data: 2, key: 'other' })).toMatchObject(refused)
    expect(await publish({ channel: 'a', type: 'u', data: 1, key: 'other' })).toMatchObject(refused)
    expect(await publish({ channel: 'a', type: 't', data: 2 }, { 'idempotency-key': 'other' })).toMatchObject(refused)
    expect((await publish({ channel: 'b', type: 't', data: 2, key: 'other' })).status).toBe(201)
  })

  test('in an array is refused with the index of the event, and no event of the array is published', async () => {
    await publish({ channel: 'a', type: 't', data: 1, key: 'array' })
    const { body: before } = await publish({ channel: 'a', type: 't' })
    const batch = [
      { channel: 'a', type: 't' },
      { channel: 'a', type: 't', data: 2, key: 'array' },
    ]
    expect(await publish(batch)).toMatchObject({ status: 422, body: { code: 'key.reused', event: 1 } })
    const { body: after } = await publish({ channel: 'a', type: 't' })
    expect(after.position).toBe(Number(before.position) + 1)
  })

  test('for another event, hundreds of times at once, does not block other publishers', async () => {
    await publish({ channel: 'a', type: 't', data: 'first', key: 'flood' })
    const results = await Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        publish({ channel: 'a', type: 't', data: index, ...(index % 2 === 0 && { key: 'flood' }) }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual(results.map((_, index) => (index % 2 === 0 ? 422 : 201)))
  })
})
