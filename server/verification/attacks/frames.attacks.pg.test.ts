// Connections that end inside a frame, and frames that are too large for clients.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect, createServer, type Server } from 'node:net'
import { createParser } from 'eventsource-parser'
import { loadConfig } from '../../platform/config.ts'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { type IdHandling, LineReader } from '../../testing/line-reader.ts'
import { positionOf, publish } from '../../testing/stream-reader.ts'
import { ResponseDecoder } from '../response-decoder.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let cutter: Awaited<ReturnType<typeof startCutter>>
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
  cutter = await startCutter(Number(new URL(instance.url).port))
})
afterAll(async () => {
  cutter.server.close()
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

type End = 'FIN' | 'RST'

/**
 * A proxy that forwards only as many response bytes as the request header `X-Cut` says, and ends the connection when its client
 * has received them: a reset that arrives earlier would discard them.
 */
async function startCutter(target: number) {
  const ends = new Map<number | undefined, () => void>()
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let cut: { after: number; how: string } | undefined
    let count = 0
    ends.set(client.remotePort, () => (cut?.how === 'FIN' ? client.end() : client.resetAndDestroy()))
    client.on('data', (bytes) => {
      const [, after, how = ''] = /^x-cut: (\d+) (\w+)/m.exec(bytes.toString()) ?? []
      if (after !== undefined) cut = { after: Number(after), how }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => {
      if (!cut || count + bytes.length < cut.after) {
        count += bytes.length
        client.write(bytes)
        return
      }
      client.write(bytes.subarray(0, cut.after - count))
      upstream.destroy()
    })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => socket === client && other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    port: (server.address() as { port: number }).port,
    /** Ends the connection of a client by its port, as it asked for. */
    end: (clientPort: number | undefined) => ends.get(clientPort)?.(),
  }
}

interface Connection {
  channel: string
  lastEventId: string
  version: '1.0' | '1.1'
  cut?: { after: number; end: End }
  onBody: (bytes: Uint8Array) => void
}

/** Reads a stream until `close` is called or the other side ends it. */
function read({ channel, lastEventId, version, cut, onBody }: Connection) {
  const ended = Promise.withResolvers<void>()
  const decoder = new ResponseDecoder({ onHead: () => {}, onBody, onEnd: () => {} })
  const socket = connect(cutter.port, '127.0.0.1', () => {
    const headers = [
      'host: localhost',
      `last-event-id: ${lastEventId}`,
      ...(cut ? [`x-cut: ${cut.after} ${cut.end}`] : []),
    ]
    socket.write(`GET /events?channel=${channel} HTTP/${version}\r\n${headers.join('\r\n')}\r\n\r\n`)
  })
  let received = 0
  socket.on('data', (bytes: Buffer) => {
    decoder.push(bytes)
    received += bytes.length
    if (received === cut?.after) cutter.end(socket.localPort)
  })
  socket.on('end', () => socket.destroy())
  socket.on('error', () => {})
  socket.on('close', () => ended.resolve())
  return { ended: ended.promise, close: () => socket.destroy() }
}

/**
 * Reads with one cut, then without, until the last event. Resolves with all events and those of the first connection.
 */
async function readWithCut(options: Omit<Connection, 'onBody'> & { ids: IdHandling; lastPosition: number }) {
  const last = 3
  const received: number[] = []
  const hasLast = Promise.withResolvers<void>()
  const reader = new LineReader(options.ids, ({ event, data }) => {
    if (event !== 't') return
    received.push((JSON.parse(data) as { data: number }).data)
    if (received.at(-1) === last) hasLast.resolve()
  })
  reader.lastEventId = options.lastEventId
  reader.begin()
  let first = ''
  const cutOff = read({
    ...options,
    onBody(bytes) {
      first += Buffer.from(bytes).toString('latin1')
      reader.push(bytes)
    },
  })
  await Promise.race([cutOff.ended, hasLast.promise])
  cutOff.close()
  if (received.at(-1) !== last && positionOf(reader.lastEventId) !== options.lastPosition) {
    reader.begin()
    const { cut: _, ...rest } = options
    const resumed = read({ ...rest, lastEventId: reader.lastEventId, onBody: (bytes) => reader.push(bytes) })
    await hasLast.promise
    resumed.close()
  }
  return { received, first }
}

const CONCURRENCY = 32

async function forEachCut(count: number, run: (after: number) => Promise<void>): Promise<void> {
  let next = 1
  const worker = async () => {
    while (next <= count) await run(next++)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

describe.each(['1.1', '1.0'] as const)('A connection over HTTP/%s', (version) => {
  describe.each(['FIN', 'RST'] as const)('that ends by %s after any byte', (how) => {
    test.each(['at dispatch', 'at its line'] as const)(
      'no event is lost or duplicated for a client that stores the ID %s (except at a cut between the last two line feeds)',
      async (ids) => {
        const channel = `test.${crypto.randomUUID()}`
        const positions = await publish(
          instance.url,
          [1, 2, 3].map((data) => ({ channel, type: 't', data })),
        )
        const lastEventId = String((positions[0] as number) - 1)
        const lastPosition = positions[2] as number
        const whole = await readWithCut({ channel, lastEventId, version, ids, lastPosition })
        const between = new Set<number>()
        const wrong: unknown[] = []
        // More than the body: the response head, a `ready` frame with longer numbers, and chunk sizes.
        const cutEverywhere = () =>
          forEachCut(whole.first.length + 1000, async (after) => {
            const cut = { after, end: how }
            const { received, first } = await readWithCut({ channel, lastEventId, version, ids, lastPosition, cut })
            // The ID is complete, but the blank line is missing: no order of lines protects this byte.
            const open = ids === 'at its line' ? /event: t\ndata: .*\nid: (\d+)-\w+\n$/.exec(first)?.[1] : undefined
            const lost = positions.indexOf(Number(open)) + 1
            if (lost > 0) between.add(lost)
            const expected = [1, 2, 3].filter((data) => data !== lost)
            if (!Bun.deepEquals(received, expected)) wrong.push({ after, received, tail: first.slice(-60) })
          })
        await cutEverywhere()
        // When the number of the connection in `ready` gets one more digit, the bytes after it move, and a place may have been left out.
        if (ids === 'at its line' && between.size < 3) await cutEverywhere()
        expect(wrong).toEqual([])
        // Check that the cuts reached into the frames.
        if (ids === 'at its line') expect([...between].sort()).toEqual([1, 2, 3])
      },
    )
  })
})

test('an event of the maximum default size, with the longest channel and type, is a frame below 64 KiB', async () => {
  const channel = '𝔸'.repeat(255)
  const { maxEventBytes } = loadConfig({})
  const data = 'x'.repeat(maxEventBytes - 2)
  const [position = 0] = await publish(instance.url, [{ channel, type: '𝔸'.repeat(255), data }])
  let text = ''
  const done = Promise.withResolvers<string>()
  const parser = createParser({
    onEvent: ({ event, data: envelope }) => event?.startsWith('𝔸') && done.resolve(envelope),
  })
  const decoder = new TextDecoder()
  const stream = read({
    channel: encodeURIComponent(channel),
    lastEventId: String(position - 1),
    version: '1.1',
    onBody(bytes) {
      const piece = decoder.decode(bytes, { stream: true })
      text += piece
      parser.feed(piece)
    },
  })
  expect((JSON.parse(await done.promise) as { data: string }).data).toBe(data)
  stream.close()
  const frame = text.split(/(?<=\n\n)/).find((candidate) => candidate.startsWith('event: 𝔸')) ?? ''
  expect(Buffer.byteLength(frame)).toBeGreaterThan(maxEventBytes)
  expect(Buffer.byteLength(frame)).toBeLessThan(64 * 2 ** 10)
})

test('a larger event is refused with the maximum size', async () => {
  const response = await fetch(`${instance.url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channel: 'a', type: 't', data: 'x'.repeat(61_440) }),
  })
  expect([response.status, await response.json()]).toMatchObject([
    413,
    { code: 'data.too_large', detail: expect.stringContaining('61440') },
  ])
})
