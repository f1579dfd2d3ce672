// Streams that the server ends or does not open, and how clients react.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { EventSource } from 'eventsource'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startFaultProxy } from '../../testing/fault-proxy.ts'
import { createInProcessHub } from '../../testing/in-process-hub.ts'
import { startInstance, startProcess } from '../../testing/instance.ts'
import { freePort } from '../../testing/ports.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

/** Calls back with each message of a client that treats every blank line as the end of a message. */
async function readBlankLines(response: Response, onMessage: (data: string) => void): Promise<void> {
  let text = ''
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    text += new TextDecoder().decode(bytes)
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    for (const message of messages) onMessage(/^data: (.*)$/m.exec(message)?.[1] ?? '')
  }
}

const CLOSING = /^event: closing\ndata: \{"reason":"(\w+)","retry":(\d+)\}\nretry: \2\n(?:id: (.*)\n)?\n$/

describe('a server that stops', () => {
  test('sends closing with the cursor, so that a client that parses every message as JSON survives', async () => {
    const instance = await startInstance(database.url, { RETRY_MS: '2000' })
    await using reader = await openStream(instance.url, ['closing'])
    const messages: unknown[] = []
    const response = await fetch(`${instance.url}/events?channel=closing`)
    const parsed = readBlankLines(response, (data) => messages.push(JSON.parse(data)))
    const [position] = await publish(instance.url, [{ channel: 'closing', type: 't' }])
    await reader.untilEvents(1)
    await instance[Symbol.asyncDispose]()
    await parsed
    await reader.ended
    expect(messages.at(-1)).toMatchObject({ reason: 'drain', retry: expect.any(Number) })
    expect(reader.frames.at(-1)).toMatchObject({
      event: 'closing',
      id: expect.stringMatching(new RegExp(`^${position}-`)),
    })
  })

  test('lets twenty clients reconnect to the next server at once, and ten thousand over the usual time', async () => {
    for (const [count, least, most] of [
      [20, 0, 200],
      [10_000, 2000, 4000],
    ] as const) {
      const { hub, open } = createInProcessHub()
      const retries: number[] = []
      const all = Promise.withResolvers<void>()
      const opened = Array.from({ length: count }, () =>
        open((text) => {
          const retry = CLOSING.exec(text)?.[2]
          if (retry !== undefined && retries.push(Number(retry)) === count) all.resolve()
        }),
      )
      await Promise.all(opened)
      await hub.drain(0)
      await all.promise
      expect(Math.min(...retries)).toBeGreaterThanOrEqual(least)
      expect(Math.max(...retries)).toBeLessThanOrEqual(most)
      // Their reconnection times are spread.
      expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThan(20)
    }
  })

  test('gives clients behind a proxy a time that outlasts the restart: after a 502, a native EventSource gives up', async () => {
    const instance = await startProcess({ DATABASE_URL: database.url, RETRY_MS: '2000' })
    await using direct = await openStream(instance.url, ['a'])
    await using proxied = await openStream(instance.url, ['a'], { 'x-forwarded-for': '192.0.2.1' })
    await instance.end('SIGTERM')
    await Promise.all([direct.ended, proxied.ended])
    const [soon, late] = [direct, proxied].map(({ frames }) => JSON.parse(frames.at(-1)?.data ?? '').retry)
    expect(soon).toBeLessThan(300)
    expect(late).toBeWithin(2000, 4001)
  })

  test('leaves no client behind: all reconnect to the next one and receive every event', async () => {
    const port = String(await freePort())
    const settings = { DATABASE_URL: database.url, PORT: port, RETRY_MS: '2000' }
    const first = await startProcess(settings)
    const names = new Set<string>()
    const received: string[][] = []
    const sources = Array.from({ length: 20 }, (_, index) => {
      const source = new EventSource(`${first.url}/events?channel=restart`)
      received.push([])
      source.addEventListener('t', ({ data }) => received[index]?.push(JSON.parse(data).data))
      source.addEventListener('ready', ({ data }) => names.add(`${index} ${JSON.parse(data).instance}`))
      return source
    })
    await until('20 streams are open', () => names.size === 20)
    await publish(first.url, [{ channel: 'restart', type: 't', data: 'before' }])
    await until('each client has the first event', () => received.every(({ length }) => length === 1))
    expect(await first.end('SIGTERM')).toBe(0)
    await database.sql`select sse.publish('restart', 't', '"meanwhile"')`
    await using second = await startProcess(settings)
    await until('20 streams are open on the second server', () => names.size === 40)
    await publish(second.url, [{ channel: 'restart', type: 't', data: 'after' }])
    await until('each client has all events', () => received.every(({ length }) => length === 3))
    for (const source of sources) source.close()
    expect(received).toEqual(sources.map(() => ['before', 'meanwhile', 'after']))
  })
})

describe('a stream that is not opened', () => {
  test('because the server is full gets closing, with the reconnection time in the same frame', async () => {
    await using instance = await startInstance(database.url, { MAX_CONNECTIONS: '1', RETRY_MS: '2000' })
    await using _ = await openStream(instance.url, ['a'])
    const refused = async (headers: Record<string, string>, query = '') =>
      CLOSING.exec(await (await fetch(`${instance.url}/events?channel=a${query}`, { headers })).text())
    const [, reason, retry, id] = (await refused({})) ?? []
    expect([reason, id]).toEqual(['full', undefined])
    expect(Number(retry)).toBeGreaterThanOrEqual(6000)
    // The cursor of the client does not change.
    expect((await refused({ 'last-event-id': '7' }))?.[3]).toBe('7')
    expect((await refused({}, '&lastEventId=8-k3f9'))?.[3]).toBe('8-k3f9')
    expect((await refused({ 'last-event-id': 'earliest' }))?.[3]).toBeUndefined()
    // An ID that is not a position is not echoed: it could contain line breaks.
    expect(
      (await refused({}, `&lastEventId=${encodeURIComponent('1\nevent: order.paid\ndata: 1')}`))?.[3],
    ).toBeUndefined()
  })

  test('because Postgres is unreachable gets closing', async () => {
    const { hostname, port, pathname } = new URL(database.url)
    await using proxy = await startFaultProxy({ host: hostname, port: Number(port) })
    const url = `postgres://postgres@127.0.0.1:${proxy.port}${pathname}`
    await using instance = await startInstance(url, { LOG_LEVEL: 'silent' })
    await proxy.refuse()
    const response = await fetch(`${instance.url}/events?channel=a`, { headers: { 'last-event-id': 'earliest' } })
    expect([response.status, CLOSING.exec(await response.text())?.[1]]).toEqual([200, 'unavailable'])
    await proxy.accept()
  })
})

test('a stream that is replaced by another one of the same client ends with closing', async () => {
  await using instance = await startInstance(database.url)
  const address = `${instance.url}/events?channel=a&clientId=page`
  await using first = await openStream(address)
  await using _ = await openStream(address)
  await first.ended
  expect(JSON.parse(first.frames.at(-1)?.data ?? '')).toMatchObject({ reason: 'replaced' })
})
