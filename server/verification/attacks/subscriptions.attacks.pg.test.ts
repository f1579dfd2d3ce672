// Streams at the limits of a subscription: patterns that are expensive to route and to store.

import { expect, test } from 'bun:test'
import { Hub } from '../../fanout/hub.ts'
import { RecentEvents } from '../../fanout/recent-events.ts'
import { createReplay } from '../../fanout/replay.ts'
import { createSelection } from '../../fanout/selection.ts'
import type { EventLog } from '../../log/log.ts'
import { createLogger } from '../../platform/logger.ts'
import { SILENT } from '../../telemetry/telemetry.ts'
import { createDatabase } from '../../testing/database.ts'
import { startProcess } from '../../testing/instance.ts'
import { MemorySink } from '../../testing/memory-sink.ts'
import { publish } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'
import { SSE } from '../../transports/sse/encoding.ts'

/** Responses of /healthz while 1,000 of the events below are routed: in one piece, there would be two. */
const LEAST_RESPONSES = 8
/** Batches of 1,000 events: how many responses come during one of them varies several times. */
const BATCHES = 8

test('50 streams of 64 patterns with wildcards at every token do not stop the event loop', async () => {
  await using database = await createDatabase()
  await using instance = await startProcess({ DATABASE_URL: database.url })
  const streams = await Promise.all(Array.from({ length: 50 }, (_, index) => open(instance.url, wildcards(index))))
  const responses = await responsesWhile(instance.url, async () => {
    const events = Array.from({ length: 1000 }, (_, index) => ({ channel: `${'a.'.repeat(14)}x${index}`, type: 't' }))
    for (let batch = 1; batch <= BATCHES; batch++) {
      await publish(instance.url, events)
      await Promise.all(streams.map((stream) => stream.readTo(batch * 1000)))
    }
  })
  for (const stream of streams) stream.close()
  expect(responses).toBeGreaterThan(BATCHES * LEAST_RESPONSES)
}, 60_000)

/** A stream that is read with as little work as possible, so that the measured time is the server's. */
async function open(url: string, channels: readonly string[]) {
  const abort = new AbortController()
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  const response = await fetch(`${url}/events?${query}`, {
    headers: { accept: 'text/event-stream' },
    signal: abort.signal,
  })
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader()
  return {
    async readTo(position: number) {
      for (let end = ''; !end.includes(`id: ${position}-`); ) {
        const { done, value } = await reader.read()
        if (done) throw new Error(`the stream ended before position ${position}`)
        end = end.slice(-100) + new TextDecoder().decode(value?.subarray(-1000))
      }
    },
    close: () => abort.abort(),
  }
}

/** 64 of the 4096 patterns that have `a` or `*` at each of their first twelve tokens. */
const wildcards = (stream: number) =>
  Array.from({ length: 64 }, (_, index) => {
    const bits = stream * 64 + index
    const tokens = Array.from({ length: 12 }, (_, bit) => ((bits >> bit) & 1 ? '*' : 'a'))
    return [...tokens, 'a', 'a', '>'].join('.')
  })

/** Requests /healthz again and again while something happens; returns how many responses came. */
async function responsesWhile(url: string, action: () => Promise<void>): Promise<number> {
  let isOver = false
  let count = 0
  const requesting = (async () => {
    for (; !isOver; count++) await (await fetch(`${url}/healthz`)).text()
  })()
  await action()
  isOver = true
  await requesting
  return count
}

test('streams that fill the subscription index are rejected, and small ones are still served', async () => {
  const recent = new RecentEvents(0, 1000, 'e1')
  const hub = new Hub({
    recent,
    replay: createReplay(recent, {} as EventLog),
    telemetry: SILENT,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
    flushInterval: 5,
    heartbeat: 15_000,
    stallTimeout: 0,
    retry: 10,
    maxConnections: 50_000,
    instance: 'i',
  })
  let opened = 0
  for (; opened < 10_000; opened++) {
    const selection = createSelection(
      Array.from({ length: 64 }, (_, index) => `s${opened}.p${index}.${'*.'.repeat(13)}z`),
    )
    if (hub.refusal({ clientId: null, encoding: SSE, selection: selection })) break
    const start = { clientId: null, cursor: 0, resumed: false, oldest: 1 }
    hub.open({ selection, encoding: SSE, sink: new MemorySink(), transport: 'sse', ...start })
  }
  expect(opened).toBeGreaterThan(400)
  expect(opened).toBeLessThan(1000)
  expect(hub.indexSize).toBeLessThanOrEqual(hub.maxIndexSize)
  expect(
    hub.refusal({
      clientId: null,
      encoding: SSE,
      selection: createSelection(['orders.alice.>', 'notifications.alice', 'broadcast']),
    }),
  ).toBeUndefined()
  hub.stop()
  // In slices: there may be very many.
  await until(
    'an empty index',
    () => hub.indexSize,
    (size) => size === 0,
  )
})

test('patterns covered by others take no space in the index', () => {
  const patterns = ['>', 'a.>', 'a.b', '*', '*.>', 'a.*.c']
  expect(createSelection(patterns).patterns).toEqual(['>'])
  expect(createSelection(['a.>', 'a.*', 'a.b.c', 'a.*.>', 'a', '*']).patterns).toEqual(['*', 'a.>'])
  expect(createSelection(['a.b', 'a.b', 'b.*', 'b.>'])).toEqual(createSelection(['b.>', 'a.b']))
})
