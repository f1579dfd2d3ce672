// Streams that change what they follow, against a model: whatever happens in between, each is given every event of what it
// followed at that place, once and in order.

import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Page } from '../log/read-page.ts'
import { createLogger } from '../platform/logger.ts'
import type { Gap } from '../protocol/control-events.ts'
import { parseLogCursor } from '../protocol/cursor.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { WEBSOCKET } from '../transports/websocket/encoding.ts'
import type { Cursor } from './cursor.ts'
import type { Chunk } from './encoding.ts'
import { Hub } from './hub.ts'
import { RecentEvents } from './recent-events.ts'
import { createReplay } from './replay.ts'
import { createMatcher, createSelection } from './selection.ts'
import type { Sink } from './sink.ts'

const CHANNELS = ['a', 'b', 'c.x', 'c.y']
const PATTERNS = ['a', 'b', 'c.x', 'c.*', '>']
/** Events that fit into memory, about: older ones are read from the log. */
const WINDOW_BYTES = 3000

/** One turn of the event loop, with its timers. `Bun.sleep(0)` is none. */
const turn = () => new Promise((resolve) => setTimeout(resolve))

/** A log, and a hub that follows it. */
function createWorld() {
  const events: LoggedEvent[] = []
  const recent = new RecentEvents(0, WINDOW_BYTES, 'e1')
  let head = 0
  const read = async ({
    after = 0,
    through = head,
    patterns = ['>'],
  }: {
    after?: number
    through?: number
    patterns?: readonly string[]
  }) => {
    await turn()
    const isWanted = createMatcher(patterns)
    // Small pages, so that there are many steps.
    const reached = Math.min(through, after + 3)
    const found = events.filter(({ position, channel }) => position > after && position <= reached && isWanted(channel))
    return { events: found, cursor: reached, head, oldest: 1, epoch: 'e1', timeAtCursor: null } as Page
  }
  const hub = new Hub({
    recent,
    replay: createReplay(recent, { read: read as never }),
    telemetry: SILENT,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
    flushInterval: 0,
    heartbeat: 15_000,
    stallTimeout: 0,
    retry: 10,
    maxConnections: 100,
    instance: 'i',
  })
  const publish = (channels: readonly string[]) => {
    const added = channels.map(
      (channel): LoggedEvent => ({
        position: ++head,
        channel,
        type: 't',
        data: '1',
        time: new Date(0),
        origin: null,
      }),
    )
    events.push(...added)
    return hub.deliver(added)
  }
  /** The log goes on after positions that were never given. */
  const skip = (count: number) => {
    head += count
    return hub.skip(head, 'purged')
  }
  return { hub, events, publish, skip, head: () => head }
}

type World = ReturnType<typeof createWorld>

/** A client, and what the model says that it must be given. */
function connect({ hub, events, head }: World, patterns: readonly string[], start: number, gap?: Gap) {
  const received: number[] = []
  /** Where it has followed what, in order. */
  const segments = [{ patterns, from: start }]
  let isFull = false
  let isSlow = false
  let onWrite: (() => void) | undefined
  const take = (chunk: Chunk) => {
    const parsed = JSON.parse(new TextDecoder().decode(chunk))
    for (const { id, data } of Array.isArray(parsed) ? parsed : [parsed]) {
      if (data.channel !== undefined) received.push(parseLogCursor(id)?.position ?? Number.NaN)
    }
  }
  const sink: Sink = {
    get wantsMore() {
      return !isFull
    },
    write(chunk) {
      take(chunk)
      isFull = isSlow
      const act = onWrite
      onWrite = undefined
      act?.()
    },
    close() {},
  }
  const cursor: Cursor = hub.open({
    selection: createSelection(patterns),
    encoding: WEBSOCKET,
    sink,
    transport: 'websocket',
    clientId: null,
    cursor: start,
    resumed: true,
    oldest: 1,
    gap,
  })
  void cursor.resume()
  return {
    cursor,
    move(next: readonly string[]) {
      segments.push({ patterns: next, from: cursor.position })
      expect(hub.move(cursor, createSelection(next))).toBe(true)
    },
    stopReading() {
      isSlow = true
    },
    read() {
      isSlow = isFull = false
      void cursor.resume()
    },
    /** Runs once, while the hub or a replay writes to this client. */
    atNextWrite(act: () => void) {
      onWrite = act
    },
    received,
    expected: () =>
      segments
        .flatMap(({ patterns: followed, from }, index) => {
          const to = segments[index + 1]?.from ?? head()
          const isWanted = createMatcher(followed)
          return events.filter(({ position, channel }) => position > from && position <= to && isWanted(channel))
        })
        .map(({ position }) => position),
  }
}

const selection = fc.subarray(PATTERNS, { minLength: 1 })
const client = fc.nat({ max: 2 })
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      channels: fc.array(fc.constantFrom(...CHANNELS), { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('move' as const), client, selection }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('moveDuringWrite' as const), writer: client, client, selection }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stopReading' as const), client }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
)

test('a stream that moves is given every event of what it follows at its place, once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(selection, { minLength: 3, maxLength: 3 }),
      fc.array(fc.constantFrom(...CHANNELS), { maxLength: 20 }),
      fc.array(command, { maxLength: 40 }),
      async (selections, before, commands) => {
        const world = createWorld()
        await world.publish(before)
        await turn()
        const gap: Gap = { from: null, to: Math.floor(before.length / 2), reason: 'unknown' }
        const clients = [
          connect(world, selections[0] ?? [], world.hub.position),
          connect(world, selections[1] ?? [], 0),
          connect(world, selections[2] ?? [], gap.to, gap),
        ]
        const at = (index: number) => clients[index] as (typeof clients)[number]
        for (const each of commands) {
          switch (each.kind) {
            case 'publish':
              void world.publish(each.channels)
              break
            case 'move':
              at(each.client).move(each.selection)
              break
            case 'moveDuringWrite':
              at(each.writer).atNextWrite(() => at(each.client).move(each.selection))
              break
            case 'stopReading':
              at(each.client).stopReading()
              break
            case 'read':
              at(each.client).read()
              break
            case 'skip':
              await world.skip(each.count)
              break
            case 'turn':
              await turn()
          }
        }
        for (const each of clients) each.read()
        for (
          let count = 0;
          clients.some(({ cursor }) => !cursor.isLive) || world.hub.position < world.head();
          count++
        ) {
          if (count > 2000) throw new Error('the streams do not catch up')
          await turn()
        }
        await turn()
        for (const { received, expected } of clients) expect(received).toEqual(expected())
        world.hub.stop()
        expect(world.hub.indexSize).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
}, 60_000)
