import { beforeEach, describe, expect, test } from 'bun:test'
import type { EventLog } from '../log/log.ts'
import type { Page, ReadOptions } from '../log/read-page.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { SSE, UNNAMED_SSE } from '../transports/sse/encoding.ts'
import { RecentEvents } from './recent-events.ts'
import { createReplay, type ReplayRequest } from './replay.ts'
import { createSelection } from './selection.ts'

const event = (position: number, origin: string | null = null): LoggedEvent => ({
  position,
  channel: 'a',
  type: 't',
  data: JSON.stringify('x'.repeat(1000)),
  time: new Date(0),
  origin,
})

const HEAD = 1000
let reads: ReadOptions[]
beforeEach(() => {
  reads = []
})

/** A log of a thousand events, of which a read brings fifty. */
const log = {
  async read(options: ReadOptions): Promise<Page> {
    reads.push(options)
    await Promise.resolve()
    const end = Math.min(options.through ?? HEAD, options.after + 50)
    const events = Array.from({ length: end - options.after }, (_, index) =>
      event(options.after + 1 + index, index === 0 ? 'page-1' : null),
    )
    return {
      events,
      cursor: end,
      oldest: 1,
      head: HEAD,
      epoch: 'e1',
      isCurrent: true,
      sharedThrough: HEAD,
      timeAtCursor: null,
    }
  },
} as unknown as EventLog

const request = (cursor: number, more: Partial<ReplayRequest> = {}): ReplayRequest => ({
  cursor,
  through: HEAD,
  selection: createSelection(['a']),
  encoding: SSE,
  clientId: null,
  ...more,
})

describe('from the log', () => {
  test('many at the same place cost one query, at once and soon after', async () => {
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), log)
    const steps = await Promise.all(Array.from({ length: 100 }, () => replay.next(request(0))))
    expect(reads).toHaveLength(1)
    expect(new Set(steps.map(({ chunk }) => chunk)).size).toBe(1)
    expect(await replay.next(request(0))).toEqual(steps[0] as never)
    expect(reads).toHaveLength(1)
  })

  test('streams with other channels or another encoding, or at the end of the log, read for themselves', async () => {
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), log)
    await replay.next(request(0))
    await replay.next(request(0, { selection: createSelection(['b']) }))
    await replay.next(request(0, { encoding: UNNAMED_SSE }))
    expect(reads).toHaveLength(3)
    await replay.next(request(980))
    await replay.next(request(980))
    expect(reads).toHaveLength(5)
  })

  test('what a page caused is left out for it alone', async () => {
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), log)
    const all = await replay.next(request(0))
    const own = await replay.next(request(0, { clientId: 'page-1' }))
    expect(reads).toHaveLength(1)
    expect(new TextDecoder().decode(all.chunk)).toContain('id: 1-e1\n')
    expect(new TextDecoder().decode(own.chunk)).not.toContain('id: 1-e1\n')
    expect(own.cursor).toBe(all.cursor)
  })

  test('a failure is not remembered', async () => {
    let failures = 0
    const failing = {
      read: (options: ReadOptions) => (failures++ === 0 ? Promise.reject(new Error('unavailable')) : log.read(options)),
    }
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), failing as unknown as EventLog)
    await expect(Promise.resolve(replay.next(request(0)))).rejects.toThrow('unavailable')
    expect((await replay.next(request(0))).cursor).toBe(50)
  })

  test('another log is read again', async () => {
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), log)
    await replay.next(request(0))
    replay.forget()
    await replay.next(request(0))
    expect(reads).toHaveLength(2)
  })
})

describe('from memory', () => {
  test('steps are bounded in bytes, and go to the end', async () => {
    const recent = new RecentEvents(0, 10_000_000, 'e1')
    for (let position = 1; position <= HEAD; position++) recent.push(event(position))
    const replay = createReplay(recent, log)
    let cursor = 0
    let steps = 0
    while (cursor < HEAD) {
      const step = await replay.next(request(cursor))
      expect(step.chunk?.byteLength).toBeLessThan(70_000)
      cursor = step.cursor
      steps++
    }
    expect([cursor, reads.length]).toEqual([HEAD, 0])
    expect(steps).toBeGreaterThan(10)
  })
})

describe('a step from memory', () => {
  const windowOf = (count: number, more: Partial<LoggedEvent> = {}) => {
    const recent = new RecentEvents(0, 100_000_000, 'e1')
    for (let position = 1; position <= count; position++) recent.push({ ...event(position), ...more })
    return recent
  }

  test('ends where it was asked to', async () => {
    const replay = createReplay(windowOf(20), log)
    const step = await replay.next(request(3, { through: 5 }))
    expect([step.cursor, step.events]).toEqual([5, 2])
    const ids = new TextDecoder().decode(step.chunk).match(/^id: \d+/gm)
    expect(ids).toEqual(['id: 4', 'id: 5'])
  })

  test('looks at 4,000 events, and may hold none', async () => {
    const replay = createReplay(windowOf(5000, { channel: 'b' }), log)
    expect(await replay.next(request(0, { through: 5000 }))).toMatchObject({
      cursor: 4000,
      events: 0,
      chunk: undefined,
    })
    expect(await replay.next(request(4000, { through: 5000 }))).toMatchObject({ cursor: 5000, events: 0 })
  })

  test('ends with the event that reaches 64 KiB', async () => {
    const replay = createReplay(windowOf(100), log)
    const step = await replay.next(request(10, { through: 100 }))
    const bytes = step.chunk?.byteLength ?? 0
    expect(bytes).toBeGreaterThanOrEqual(64 * 1024)
    expect(bytes - bytes / step.events).toBeLessThan(64 * 1024)
    expect(step.cursor).toBe(10 + step.events)
  })

  test('is shared when its size ended it', async () => {
    const replay = createReplay(windowOf(HEAD), log)
    const [first, second] = [await replay.next(request(0)), await replay.next(request(0))]
    expect(first.chunk).toBe(second.chunk as never)
  })

  test('is read again when it ended at what there was', async () => {
    const recent = windowOf(10)
    const replay = createReplay(recent, log)
    expect((await replay.next(request(0, { through: 10 }))).cursor).toBe(10)
    recent.push(event(11))
    expect((await replay.next(request(0, { through: 11 }))).cursor).toBe(11)
  })

  test('is forgotten with the log', async () => {
    const replay = createReplay(windowOf(HEAD), log)
    const first = await replay.next(request(0))
    replay.forget()
    expect((await replay.next(request(0))).chunk).not.toBe(first.chunk as never)
  })

  test('counts the events that it leaves out for their own client', async () => {
    const recent = new RecentEvents(0, 100_000_000, 'e1')
    for (let position = 1; position <= 4; position++) recent.push(event(position, position === 2 ? 'page-1' : null))
    const replay = createReplay(recent, log)
    expect((await replay.next(request(0, { through: 4 }))).events).toBe(4)
    expect((await replay.next(request(0, { through: 4, clientId: 'page-1' }))).events).toBe(3)
    expect((await replay.next(request(0, { through: 4, clientId: 'page-2' }))).events).toBe(4)
    expect(await replay.next(request(1, { through: 2, clientId: 'page-1' }))).toMatchObject({
      events: 0,
      chunk: undefined,
      cursor: 2,
    })
  })

  test('serves a cursor at the tail of the window, and the log one before it', async () => {
    const recent = new RecentEvents(500, 100_000_000, 'e1')
    for (let position = 501; position <= HEAD; position++) recent.push(event(position))
    const replay = createReplay(recent, log)
    await replay.next(request(500))
    expect(reads).toHaveLength(0)
    await replay.next(request(499))
    expect(reads).toHaveLength(1)
  })
})

describe('a step from the log', () => {
  test('asks for at most 1,000 events and 64 KiB of the selection, up to where it should end', async () => {
    await createReplay(new RecentEvents(HEAD, 1000, 'e1'), log).next(request(7, { through: 900 }))
    expect(reads[0]).toMatchObject({ after: 7, through: 900, limit: 1000, maxBytes: 64 * 1024, patterns: ['a'] })
  })

  test.each([
    ['of another epoch', { epoch: 'e2' }],
    ['of a log that ends before what streams were served', { head: 40 }],
    ['of a log that does not have its cursor', { gap: { from: 0, to: 9, reason: 'unknown' } } as const],
  ])('waits for the feed when the page is %s', async (_name, more) => {
    const other = { read: async (options: ReadOptions) => ({ ...(await log.read(options)), ...more }) }
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), other)
    await expect(Promise.resolve(replay.next(request(0)))).rejects.toMatchObject({ code: 'database.unavailable' })
    expect(reads[0]?.epoch).toBe('e1')
  })

  test('that was forgotten while it was read is not taken for another one', async () => {
    const pending: PromiseWithResolvers<void>[] = []
    const slow = {
      async read(options: ReadOptions) {
        const go = Promise.withResolvers<void>()
        pending.push(go)
        await go.promise
        return log.read(options)
      },
    }
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), slow as EventLog)
    // At the end of what there is, so that it is dropped when it is complete.
    const old = replay.next(request(980))
    replay.forget()
    const first = replay.next(request(980))
    pending[0]?.resolve()
    await old
    const second = replay.next(request(980))
    pending[1]?.resolve()
    expect((await first).chunk).toBe((await second).chunk as never)
    expect(pending).toHaveLength(2)
  })
})
