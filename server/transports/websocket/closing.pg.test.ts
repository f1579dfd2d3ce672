import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { closeOf, openSocketReader } from '../../testing/socket-reader.ts'
import { publish } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

describe('a WebSocket that is refused for now', () => {
  test('because the instance is full is told so, with a time to come back, and closed', async () => {
    await using instance = await startInstance(database.url, { MAX_CONNECTIONS: '1' })
    using first = await openSocketReader(instance.url, ['a'])
    using second = await openSocketReader(instance.url, ['a'])
    expect(await second.closed).toEqual(closeOf('full'))
    expect(second.messages).toEqual([
      { event: 'closing', data: { reason: 'full', retry: expect.any(Number) }, retry: expect.any(Number) },
    ])
    await publish(instance.url, [{ channel: 'a', type: 't' }])
    await first.untilEvents(1)
  })

  test('because its address has as many streams as it may have is told that', async () => {
    await using instance = await startInstance(database.url, { MAX_STREAMS_PER_ADDRESS: '1' })
    using _ = await openSocketReader(instance.url, ['a'])
    using second = await openSocketReader(instance.url, ['a'])
    expect(await second.closed).toEqual(closeOf('limit'))
    expect(second.messages[0]?.data.reason).toBe('limit')
  })
})

describe('an instance that stops', () => {
  test('sends closing with the cursor, and the client resumes on another one', async () => {
    await using other = await startInstance(database.url)
    const instance = await startInstance(database.url)
    using socket = await openSocketReader(instance.url, ['d'])
    await publish(other.url, [{ channel: 'd', type: 't', data: 1 }])
    await socket.untilEvents(1)
    await instance[Symbol.asyncDispose]()
    expect(await socket.closed).toEqual(closeOf('drain'))
    const last = socket.messages.at(-1)
    expect(last).toMatchObject({ event: 'closing', data: { reason: 'drain' }, retry: expect.any(Number) })
    await publish(other.url, [{ channel: 'd', type: 't', data: 2 }])
    using resumed = await openSocketReader(other.url, ['d'], { lastEventId: last?.id ?? '' })
    await resumed.untilEvents(1)
    expect(resumed.events.map(({ data }) => data.data)).toEqual([2])
  })
})

test('a WebSocket whose task is over is closed with a code of its own, without a message', async () => {
  await using instance = await startInstance(database.url)
  using follower = await openSocketReader(instance.url, ['tasks.alice.*'])
  const response = await fetch(`${instance.url}/api/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-user': 'alice' },
    body: JSON.stringify({ kind: 'demo', input: { seconds: 0 } }),
  })
  const { id } = (await response.json()) as { id: number }
  const last = await until('its end', () => follower.events.find(({ event }) => event === 'task.succeeded'))
  using socket = await openSocketReader(instance.url, [`tasks.alice.${id}`], { lastEventId: last?.id ?? '' })
  expect(await socket.closed).toEqual(closeOf('over'))
  expect(socket.messages).toEqual([])
})

test('a quiet client gets heartbeats, whose cursor moves past events of other channels', async () => {
  await using instance = await startInstance(database.url, { HEARTBEAT_MS: '500' })
  using socket = await openSocketReader(instance.url, ['quiet'])
  const [position] = await publish(instance.url, [{ channel: 'loud', type: 't' }])
  await socket.message('heartbeat', ({ id }) => id?.startsWith(`${position}-`) ?? false)
})
