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

  test('those with other channels or another encoding, or at the end of what there is, read for themselves', async () => {
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
      read: (options: ReadOptions) => (failures++ === 0 ? Promise.reject(new Error('away')) : log.read(options)),
    }
    const replay = createReplay(new RecentEvents(HEAD, 1000, 'e1'), failing as unknown as EventLog)
    await expect(Promise.resolve(replay.next(request(0)))).rejects.toThrow('away')
    expect((await replay.next(request(0))).cursor).toBe(50)
  })

  test('another log is read anew', async () => {
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
