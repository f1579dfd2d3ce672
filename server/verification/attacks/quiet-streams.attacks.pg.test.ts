// Clients that end a connection after some seconds without data.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { createInProcessHub } from '../../testing/in-process-hub.ts'
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

// That a comment comes within 5 s, a usual read timeout, is in cursor.test.ts, with a clock that is set.
test('A quiet stream brings a comment, without a blank line that some clients take for a message', async () => {
  const response = await fetch(`${instance.url}/events?channel=quiet`)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (!text.endsWith('\n\n:\n')) {
    const { done, value } = await reader.read()
    if (done) throw new Error('the stream ended')
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  expect(text.match(/^event: /gm)).toEqual(['event: '])
})

test('comments for 10,000 quiet streams that are due at once are written over many event-loop turns', async () => {
  const { hub, open } = createInProcessHub()
  const count = 10_000
  let comments = 0
  const all = Promise.withResolvers<void>()
  const opened = Array.from({ length: count }, () =>
    open((text) => text === ':\n' && ++comments === count && all.resolve()),
  )
  await Promise.all(opened)
  hub.start()
  // The duration of a turn depends on the load of the machine; the number of streams per turn does not.
  let most = 0
  let before = 0
  const turns = setInterval(() => {
    most = Math.max(most, comments - before)
    before = comments
  }, 0)
  await all.promise
  clearInterval(turns)
  hub.stop()
  expect(comments).toBe(count)
  expect(Math.max(most, count - before)).toBeLessThan(1000)
})
