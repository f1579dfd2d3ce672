// Invariant 3 of server/README.md for what only WebSockets can do: change channels. `sink-invariants.pg.test.ts` has the rest.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openSocketReader } from '../testing/socket-reader.ts'
import { publish } from '../testing/stream-reader.ts'
import { until } from '../testing/until.ts'

let database: TestDatabase
let a: Runtime & AsyncDisposable
let b: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  a = await startInstance(database.url)
  b = await startInstance(database.url)
})
afterAll(async () => {
  await a[Symbol.asyncDispose]()
  await b[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const newChannel = () => `test.${crypto.randomUUID()}`

test('a client that changes other channels all the time misses nothing of the one that it keeps', async () => {
  const [kept, other] = [newChannel(), newChannel()]
  using socket = await openSocketReader(a.url, [kept])
  const total = 100
  const writing = (async () => {
    for (let index = 0; index < total; index++) {
      await publish(
        index % 2 ? a.url : b.url,
        [kept, other].map((channel) => ({ channel, type: 't', data: index })),
      )
    }
  })()
  const changing = (async () => {
    // As often as a client may in the long run, beyond what it may at once.
    for (let round = 0; round < 24; round++) {
      socket.send(round % 2 ? { unsubscribe: [other] } : { subscribe: [other] })
      const answers = () => socket.messages.filter(({ event }) => event === 'subscribed').length
      await until('an answer', answers, (count) => count > round)
    }
  })()
  await Promise.all([writing, changing])
  const ofKept = () => socket.events.filter(({ data }) => data.channel === kept)
  await until(
    'all',
    () => ofKept().length,
    (count) => count === total,
  )
  expect(ofKept().map(({ data }) => data.data)).toEqual(Array.from({ length: total }, (_, index) => index))
  const ids = socket.events.map(({ position }) => position)
  expect(ids).toEqual([...new Set(ids)].sort((left, right) => left - right))
})
