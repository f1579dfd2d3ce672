// Last event IDs that this log has never given.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { EventSource } from 'eventsource'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream, positionOf, publish } from '../../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let head: number
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
  await using reader = await openStream(instance.url, ['ids'])
  head = (await publish(instance.url, [{ channel: 'ids', type: 'before' }]))[0] as number
  await reader.untilEvents(1)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const IDS: [name: string, id: string][] = [
  ['is text', 'abc'],
  ["is another server's", '01JD5M8X-42'],
  ['is negative', '-1'],
  ['has an epoch with capitals', '1-ABC'],
  ['has an epoch of 17 characters', `1-${'a'.repeat(17)}`],
  ['has two epochs', '1-abc-def'],
  ['has no position', '-abc'],
  ['is a fraction', '1.5'],
  ['is in scientific notation', '1e3'],
  ['is larger than any number', '99999999999999999999'],
  ['is several ids', '1, 2'],
  ['has bytes beyond ASCII', '\u00e9\u00ff'],
  ['is 10 kB long', 'x'.repeat(10_000)],
  ['is 10 kB of digits', '9'.repeat(10_000)],
]

describe.each(IDS)('a last event ID that %s', (_name, id) => {
  test.each(['header', 'parameter'])(
    'as a %s is a gap with the reason unknown, and the stream continues',
    async (place) => {
      const query = new URLSearchParams({ channel: 'ids', ...(place === 'parameter' && { lastEventId: id }) })
      const headers = place === 'header' ? { 'last-event-id': id } : undefined
      await using reader = await openStream(`${instance.url}/events?${query}`, [], headers)
      await reader.until(({ frames }) => frames.length >= 2)
      const [ready, gap] = reader.frames
      expect(ready).toMatchObject({ event: 'ready', id: undefined })
      expect(gap?.event).toBe('gap')
      const { from, to, reason } = JSON.parse(gap?.data ?? '')
      expect([from, reason, positionOf(gap?.id)]).toEqual([null, 'unknown', to])
      expect(to).toBeGreaterThanOrEqual(head)
      const data = crypto.randomUUID()
      await publish(instance.url, [{ channel: 'ids', type: 't', data }])
      await reader.until(({ events }) => events.some((event) => event.data === data))
    },
  )
})

test('an EventSource with an ID of another server gets a gap, and then has an ID of this log', async () => {
  const source = new EventSource(`${instance.url}/events?channel=ids`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, 'last-event-id': 'other-7' } }),
  })
  const gap = await new Promise<MessageEvent>((resolve, reject) => {
    source.addEventListener('gap', resolve)
    source.addEventListener('error', ({ message }) => reject(new Error(message)))
  })
  source.close()
  expect(positionOf(gap.lastEventId)).toBeGreaterThanOrEqual(head)
})

test('a page of history refuses a cursor that is not a position with 400', async () => {
  const response = await fetch(`${instance.url}/events?after=abc`, { headers: { accept: 'application/json' } })
  expect([response.status, await response.json()]).toMatchObject([400, { code: 'cursor.invalid' }])
})
