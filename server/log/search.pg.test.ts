import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { positionOf, publish } from '../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let middle: string

beforeAll(async () => {
  database = await createDatabase()
  const events = Array.from({ length: 10 }, (_, index) => ({
    channel: index % 2 ? 'orders.alice.1' : 'tasks.bob.1',
    type: index % 3 ? 'a' : 'b',
    data: index + 1,
  }))
  {
    await using earlier = await startInstance(database.url)
    await publish(earlier.url, events.slice(0, 6))
  }
  // Before the instance starts: to one that has read them, other times are those of another log.
  await database.sql`update sse.log set time = time - interval '1 minute'`
  middle = new Date(Date.now() - 30_000).toISOString()
  instance = await startInstance(database.url)
  await publish(instance.url, events.slice(6))
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

async function look(query: string) {
  const response = await fetch(`${instance.url}/events?${query}`, { headers: { accept: 'application/json' } })
  const body = (await response.json()) as {
    events: { position: number }[]
    cursor: string
    more: boolean
    code?: string
  }
  return { status: response.status, ...body, positions: body.events?.map(({ position }) => position) }
}

describe('history that looks back', () => {
  test('returns the newest events first, in pages', async () => {
    const first = await look('before=latest&limit=4')
    expect([first.positions, positionOf(first.cursor), first.more]).toEqual([[10, 9, 8, 7], 7, true])
    const second = await look(`before=${first.cursor}&limit=4`)
    expect([second.positions, positionOf(second.cursor), second.more]).toEqual([[6, 5, 4, 3], 3, true])
    const last = await look(`before=${second.cursor}&limit=4`)
    expect([last.positions, positionOf(last.cursor), last.more]).toEqual([[2, 1], 1, false])
    expect(await look('before=1')).toMatchObject({ positions: [], more: false })
  })

  test('returns events of the requested channels, types and times', async () => {
    expect((await look('before=latest&channel=orders.*.1')).positions).toEqual([10, 8, 6, 4, 2])
    expect((await look('before=latest&type=b')).positions).toEqual([10, 7, 4, 1])
    expect((await look('before=latest&type=b&type=a&channel=tasks.>')).positions).toEqual([9, 7, 5, 3, 1])
    expect((await look(`before=latest&since=${middle}`)).positions).toEqual([10, 9, 8, 7])
    expect((await look(`before=latest&until=${middle}&limit=2`)).positions).toEqual([6, 5])
    expect(await look(`before=latest&since=2100-01-01T00:00:00Z`)).toMatchObject({ positions: [], more: false })
  })

  test('refuses invalid parameters with a reason', async () => {
    expect(await look('before=x')).toMatchObject({ status: 400, code: 'cursor.invalid' })
    expect(await look('before=latest&since=yesterday')).toMatchObject({ status: 400, code: 'time.invalid' })
    expect(await look('before=latest&type=')).toMatchObject({ status: 400, code: 'type.invalid' })
    expect(await look('before=latest&limit=0')).toMatchObject({ status: 400, code: 'limit.invalid' })
  })
})

test('a stream that begins behind receives a heartbeat when it has caught up', async () => {
  const stop = new AbortController()
  const response = await fetch(`${instance.url}/events?channel=nothing&lastEventId=3`, {
    headers: { accept: 'text/event-stream' },
    signal: stop.signal,
  })
  let text = ''
  for await (const chunk of (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(
    new TextDecoderStream(),
  )) {
    text += chunk
    if (text.includes('event: heartbeat')) break
  }
  stop.abort()
  expect(text).toContain('"cursor":"3-')
  expect(text).toContain('"head":10')
  expect(text).toMatch(/event: heartbeat\n/)
  expect(text).toMatch(/id: 10-/)
})
