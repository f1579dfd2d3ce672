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

test('a client with a read timeout of 5 s stays connected to a quiet stream by comments without a blank line', async () => {
  const response = await fetch(`${instance.url}/events?channel=quiet`)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (!text.endsWith('\n\n:\n')) {
    const timeout = Bun.sleep(5000).then(() => undefined)
    const result = await Promise.race([reader.read(), timeout])
    if (!result) throw new Error(`nothing came for 5 s after ${JSON.stringify(text)}`)
    text += decoder.decode(result.value, { stream: true })
  }
  await reader.cancel()
  expect(text.match(/^event: /gm)).toEqual(['event: '])
})

test('comments for 10,000 quiet streams that are due at once are written over many event-loop turns', async () => {
  const { hub, open } = createInProcessHub()
  const count = 10_000
  let comments = 0
  const all = Promise.withResolvers<void>()
  for (let index = 0; index < count; index++) open((text) => text === ':\n' && ++comments === count && all.resolve())
  await Bun.sleep(0)
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
