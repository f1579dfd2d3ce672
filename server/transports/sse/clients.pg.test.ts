// SSE clients that others wrote: each receives, is cut off, and resumes without gap or double.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { EventSource as PackageEventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts'
import { startInstance } from '../../testing/instance.ts'
import { UndiciEventSource } from '../../testing/sse-clients.ts'
import { publish } from '../../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let proxy: FaultProxy
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
  proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(instance.url).port) })
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

interface Client {
  close(): void
}
type Open = (url: string, onEvent: (data: string) => void, onReady: () => void) => Client

const TYPE = 'order.paid'

/** A client with the interface of the browser's. */
function openWith(EventSource: typeof PackageEventSource | typeof UndiciEventSource): Open {
  return (url, onEvent, onReady) => {
    const source = new EventSource(url) as unknown as globalThis.EventSource
    source.addEventListener(TYPE, (event) => onEvent(event.data))
    source.addEventListener('ready', onReady)
    return source
  }
}

const clients: [string, Open][] = [
  ['eventsource', openWith(PackageEventSource)],
  ['undici', openWith(UndiciEventSource)],
  [
    'eventsource-client',
    (url, onEvent, onReady) =>
      createEventSource({
        url,
        onMessage({ event, data }) {
          if (event === TYPE) onEvent(data)
          if (event === 'ready') onReady()
        },
      }),
  ],
]

describe.each(clients)('%s', (_name, open) => {
  test('receives every event once and in order although its connection is cut repeatedly', async () => {
    const channel = `test.${crypto.randomUUID()}`
    const total = 60
    const received: number[] = []
    const all = Promise.withResolvers<void>()
    let ready = Promise.withResolvers<void>()
    const client = open(
      `http://127.0.0.1:${proxy.port}/events?channel=${channel}`,
      (data) => {
        const { data: number } = JSON.parse(data) as { data: number }
        received.push(number)
        if (number === total) all.resolve()
      },
      () => ready.resolve(),
    )
    for (let index = 0; index < total; index++) {
      if (index % 20 === 0) {
        await ready.promise
        ready = Promise.withResolvers()
      }
      await publish(instance.url, [{ channel, type: TYPE, data: index }])
      if (index % 20 === 10) proxy.cut()
    }
    // A fence: an event that was delivered twice would come before it.
    await publish(instance.url, [{ channel, type: TYPE, data: total }])
    await all.promise
    client.close()
    expect(received).toEqual(Array.from({ length: total + 1 }, (_, index) => index))
  })
})
