// A role that may delete rows of sse.log can hide events. Missing rows are announced wherever they are read.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createAudit } from '../../log/audit.ts'
import type { Hole } from '../../log/holes.ts'
import { createLog } from '../../log/log.ts'
import { LostEvents } from '../../log/lost-events.ts'
import { createLogger } from '../../platform/logger.ts'
import type { Runtime } from '../../runtime.ts'
import { createTotals } from '../../telemetry/totals.ts'
import { createDatabase, directly, type TestDatabase } from '../../testing/database.ts'
import { startInstance, startProcess } from '../../testing/instance.ts'
import { openStream, positionOf, publish, type StreamReader } from '../../testing/stream-reader.ts'

interface HistoryPage {
  gap?: { from: number; to: number; reason: string }
  events: { position: number }[]
  cursor: string
  more: boolean
}

/** What a stream delivered: positions of events, and gaps as `(from, to] reason`. */
const story = ({ frames }: StreamReader) =>
  frames
    .filter(({ event }) => event !== 'ready' && event !== 'heartbeat')
    .map(({ event, id, data }) => (event === 'gap' ? describeGap(JSON.parse(data)) : positionOf(id)))

const describeGap = ({ from, to, reason }: { from: number; to: number; reason: string }) => `(${from}, ${to}] ${reason}`

const readPage = async (url: string, query: string): Promise<HistoryPage> => {
  const response = await fetch(`${url}/events?${query}`, { headers: { accept: 'application/json' } })
  return (await response.json()) as HistoryPage
}

describe('rows are deleted in the middle of the log', () => {
  let database: TestDatabase
  let instance: Runtime & AsyncDisposable
  beforeAll(async () => {
    database = await createDatabase()
    await using publishing = await startInstance(database.url)
    await publish(
      publishing.url,
      Array.from({ length: 20 }, (_, index) => ({ channel: index % 2 ? 'odd' : 'even', type: 't' })),
    )
    await database.sql`delete from sse.log where position in (4, 8, 9, 10, 19, 20)`
    // Started after the deletion, it has none of the rows in memory.
    instance = await startInstance(database.url)
  })
  afterAll(async () => {
    await instance[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  test('a stream of all channels gets a gap in the place of each hole', async () => {
    await using reader = await openStream(instance.url, ['>'], { 'last-event-id': '0' })
    await reader.until((each) => story(each).includes('(18, 20] lost'))
    expect(story(reader)).toEqual([
      ...[1, 2, 3, '(3, 4] lost', 5, 6, 7, '(7, 10] lost', 11, 12, 13, 14, 15, 16, 17, 18, '(18, 20] lost'],
    ])
  })

  test('a stream of one channel gets the gap too, although the missing rows may belong to other channels', async () => {
    await using reader = await openStream(instance.url, ['odd'], { 'last-event-id': '2' })
    await reader.until((each) => story(each).includes('(18, 20] lost'))
    expect(story(reader)).toEqual(['(3, 4] lost', 6, '(7, 10] lost', 12, 14, 16, 18, '(18, 20] lost'])
    expect(reader.frames.map(({ id }) => positionOf(id))).toEqual(
      reader.frames.map(({ id }) => positionOf(id)).sort((left, right) => left - right),
    )
  })

  test('a stream whose cursor is within a hole gets a gap for the rest of it', async () => {
    await using reader = await openStream(instance.url, ['even'], { 'last-event-id': '9' })
    await reader.untilEvents(1)
    expect(story(reader).slice(0, 2)).toEqual(['(9, 10] lost', 11])
  })

  test.each(['', '&channel=odd', '&channel=*'])('pages of history report the hole: %p', async (filter) => {
    const seen: unknown[] = []
    for (let cursor = '0', more = true; more; ) {
      const page = await readPage(instance.url, `after=${cursor}${filter}`)
      if (page.gap) seen.push(describeGap(page.gap))
      seen.push(...page.events.map(({ position }) => position))
      ;({ cursor, more } = page)
    }
    expect(seen).toEqual(
      filter === '&channel=odd'
        ? [2, '(3, 4] lost', 6, '(7, 10] lost', 12, 14, 16, 18, '(18, 20] lost']
        : [1, 2, 3, '(3, 4] lost', 5, 6, 7, '(7, 10] lost', 11, 12, 13, 14, 15, 16, 17, 18, '(18, 20] lost'],
    )
  })

  test.each(['', '&channel=odd', '&limit=2'])('pages that read backward report the hole: %p', async (rest) => {
    const seen: unknown[] = []
    for (let cursor = 'latest', more = true; more; ) {
      const page = await readPage(instance.url, `before=${cursor}${rest}`)
      if (page.gap) seen.push(describeGap(page.gap))
      seen.push(...page.events.map(({ position }) => position))
      ;({ cursor, more } = page)
    }
    expect(seen).toEqual(
      rest === '&channel=odd'
        ? ['(18, 20] lost', 18, 16, 14, 12, '(7, 10] lost', 6, '(3, 4] lost', 2]
        : ['(18, 20] lost', 18, 17, 16, 15, 14, 13, 12, 11, '(7, 10] lost', 7, 6, 5, '(3, 4] lost', 3, 2, 1],
    )
  })

  test('readiness is degraded and a metric counts each missing event once', async () => {
    const { status, checks } = (await (await fetch(`${instance.url}/readyz`)).json()) as {
      status: string
      checks: Record<string, { status: string; detail?: string }>
    }
    expect([status, checks.holes?.status]).toEqual(['degraded', 'degraded'])
    expect(checks.holes?.detail).toContain('6 events are missing from sse.log, from position 4 on')
    expect(await (await fetch(`${instance.url}/metrics`)).text()).toContain('sse_update_lost_events_total 6\n')
  })
})

describe('rows are deleted where the feed reads', () => {
  /** Appends events and deletes the newest `count` of them in the same transaction: no reader ever sees these. */
  const appendAndDelete = (database: TestDatabase, count: number) =>
    database.sql.begin(async (sql) => {
      await sql`
        select sse.append(array_fill('c'::text, array[5]), array_fill('t'::text, array[5]), array_fill('1'::json, array[5]),
                          array_fill(null::text, array[5]), null)`
      await sql`delete from sse.log where position > (select position from sse.head) - ${count}`
    })

  test('live streams get a gap and continue, and the server logs one error', async () => {
    await using database = await createDatabase()
    await using instance = await startProcess({ DATABASE_URL: database.url, POLL_INTERVAL_MS: '50' })
    await publish(instance.url, [{ channel: 'c', type: 't' }])
    await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '1' })
    await appendAndDelete(database, 3)
    await reader.untilEvents(2)
    const published = publish(instance.url, [{ channel: 'c', type: 'after' }])
    await reader.untilEvents(3)
    expect(await published).toEqual([7])
    expect(story(reader)).toEqual([2, 3, '(3, 6] lost', 7])
    await appendAndDelete(database, 5)
    await publish(instance.url, [{ channel: 'c', type: 'after' }])
    await reader.untilEvents(4)
    expect(story(reader).slice(4)).toEqual(['(7, 12] lost', 13])
    expect(instance.output.split('\n').filter((line) => line.includes('missing'))).toHaveLength(1)
    expect(instance.output).not.toContain('can not be read')
  })

  test('a row that was already delivered causes no gap on live streams', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { POLL_INTERVAL_MS: '20' })
    await using reader = await openStream(instance.url, ['c'])
    await publish(instance.url, [
      { channel: 'c', type: 't' },
      { channel: 'c', type: 't' },
    ])
    await reader.untilEvents(2)
    await database.sql`delete from sse.log where position = 2`
    await publish(instance.url, [{ channel: 'c', type: 't' }])
    await reader.untilEvents(3)
    expect(story(reader)).toEqual([1, 2, 3])
    // Nor on streams that reconnect while it is in memory.
    await using again = await openStream(instance.url, ['c'], { 'last-event-id': '0' })
    await again.untilEvents(3)
    expect(story(again)).toEqual([1, 2, 3])
  })
})

describe('the log is truncated', () => {
  test('one partition of it: readers get a gap between the remaining partitions', async () => {
    await using database = await createDatabase()
    await database.sql.unsafe('drop table sse.log_1')
    await database.sql`update sse.head set position = 0, partitioned_through = 0, partition_size = 10`
    await using publishing = await startInstance(database.url)
    for (let times = 0; times < 3; times++) {
      await publish(
        publishing.url,
        Array.from({ length: 10 }, () => ({ channel: 'c', type: 't' })),
      )
    }
    await database.sql.unsafe('truncate sse.log_11')
    await using instance = await startInstance(database.url)
    await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '8' })
    await reader.untilEvents(12)
    expect(story(reader).slice(0, 4)).toEqual([9, 10, '(10, 20] lost', 21])
  })

  test('all of it: readers get a gap up to the head, and live streams continue', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { WINDOW_BYTES: '0' })
    await using live = await openStream(instance.url, ['c'])
    await publish(
      instance.url,
      Array.from({ length: 10 }, () => ({ channel: 'c', type: 't' })),
    )
    await live.untilEvents(10)
    await database.sql`truncate sse.log`
    await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '3' })
    await publish(instance.url, [{ channel: 'c', type: 't' }])
    await Promise.all([live.untilEvents(11), reader.untilEvents(1)])
    expect(story(reader)).toEqual(['(3, 10] purged', 11])
    expect(story(live).at(-1)).toBe(11)
  })
})

test('events that retention deletes in batches are purged, not lost', async () => {
  await using database = await createDatabase()
  await using instance = await startInstance(database.url, { WINDOW_BYTES: '0' })
  await publish(
    instance.url,
    Array.from({ length: 10 }, () => ({ channel: 'c', type: 't' })),
  )
  await createLog(directly(database.sql)).purge({ maxAge: null, maxEvents: 4 })
  await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '2' })
  await reader.untilEvents(4)
  expect(story(reader)).toEqual(['(2, 6] purged', 7, 8, 9, 10])
  expect(await (await fetch(`${instance.url}/metrics`)).text()).toContain('sse_update_lost_events_total 0\n')
})

describe('the audit', () => {
  test('finds holes that no reader has come across', async () => {
    await using database = await createDatabase()
    const log = createLog(directly(database.sql))
    await log.append(Array.from({ length: 9 }, () => ({ channel: 'c', type: 't', data: '1', origin: null, key: null })))
    await database.sql`delete from sse.log where position in (1, 2, 5, 8, 9)`
    const found = Promise.withResolvers<void>()
    const holes: Hole[] = []
    const audit = createAudit({
      log,
      database: directly(database.sql),
      onHole(hole) {
        holes.push(hole)
        if (hole.to === 9) found.resolve()
      },
      interval: 1,
      logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
    })
    audit.start()
    await found.promise
    await audit.stop()
    expect(holes.slice(0, 2)).toEqual([
      { from: 4, to: 5 },
      { from: 7, to: 9 },
    ])
  })

  test('a hole is counted once, however readers come across it, until retention has passed it', () => {
    const { telemetry, totals } = createTotals()
    const lost = new LostEvents(createLogger({ logLevel: 'silent', logFormat: 'json' }), telemetry)
    for (const [from, to] of [
      [10, 20],
      [12, 20],
      [10, 15],
      [30, 31],
      [20, 25],
      [8, 26],
    ] as const)
      lost.add({ from, to })
    expect(totals.lostEvents).toBe(19)
    expect(lost.problem).toContain('19 events are missing from sse.log, from position 9 on')
    lost.forget(27)
    expect(lost.problem).toContain('1 events are missing from sse.log, from position 31 on')
    lost.forget(32)
    expect([lost.problem, totals.lostEvents]).toEqual([undefined, 19])
  })
})
