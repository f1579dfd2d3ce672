import { describe, expect, test } from 'bun:test'
import type { Chunk } from '../../fanout/encoding.ts'
import { PAGE } from './encoding.ts'
import { PageSink, type WaitedPage } from './page-sink.ts'

const events = (...positions: number[]): Chunk =>
  PAGE.join(
    positions.map((position) =>
      PAGE.event({ position, channel: 'a', type: 't', data: '"x"', time: new Date(0), origin: null }, 'e1'),
    ),
  )

function createSink({ limit = 100, wait = 30_000, head = 9 } = {}) {
  const sink = new PageSink({
    limit,
    wait,
    from: '1-e1',
    cursorAt: (position) => `${position}-e1`,
    bounds: () => ({ oldest: 1, head }),
  })
  const cursor = { left: 0, leave: () => void cursor.left++, resume: () => Promise.resolve() }
  sink.attach(cursor)
  return { sink, cursor }
}

const read = (page: WaitedPage | undefined) => JSON.parse(new TextDecoder().decode(page?.body))
const positions = (page: { events: { position: number }[] }) => page.events.map(({ position }) => position)

describe('a request that waits', () => {
  test('takes the first events, and ends its cursor', async () => {
    const { sink, cursor } = createSink()
    expect(sink.wantsMore).toBe(true)
    sink.write(events(4, 6))
    expect(sink.wantsMore).toBe(false)
    const page = await sink.page
    expect(positions(read(page))).toEqual([4, 6])
    expect(read(page)).toMatchObject({ cursor: '6-e1', more: true, oldest: 1, head: 9 })
    expect(page?.cursor).toBe('6-e1')
    expect(cursor.left).toBe(1)
  })

  test('takes as many events as its limit, and its cursor is the last of them', async () => {
    for (const [limit, taken] of [
      [1, [4]],
      [2, [4, 6]],
      [3, [4, 6, 9]],
      [4, [4, 6, 9]],
    ] as const) {
      const { sink } = createSink({ limit })
      sink.write(events(4, 6, 9))
      const page = read(await sink.page)
      expect(positions(page)).toEqual([...taken])
      expect(page).toMatchObject({ cursor: `${taken.at(-1)}-e1`, more: taken.at(-1) !== 9 })
    }
  })

  test('shares the page of the same chunk with other requests of its limit', async () => {
    const chunk = events(4, 6)
    const sinks = [createSink(), createSink(), createSink({ limit: 1 }), createSink({ head: 10 })]
    for (const { sink } of sinks) sink.write(chunk)
    const [first, second, shorter, later] = await Promise.all(sinks.map(({ sink }) => sink.page))
    expect(second).toBe(first as WaitedPage)
    expect(positions(read(shorter))).toEqual([4])
    expect(read(later).head).toBe(10)
  })

  test('ignores what comes after its page', async () => {
    const { sink, cursor } = createSink()
    sink.write(events(4))
    sink.write(events(5))
    sink.close(PAGE.closing({ reason: 'drain', retry: 1 }, '5-e1'))
    expect(positions(read(await sink.page))).toEqual([4])
    expect(cursor.left).toBe(1)
  })

  test('ends empty with the heartbeat at the end of its wait, and not with an earlier one', async () => {
    const early = createSink().sink
    early.write(PAGE.heartbeat('7-e1', new Date()))
    expect(early.wantsMore).toBe(true)
    const { sink } = createSink({ wait: 0 })
    sink.write(PAGE.heartbeat('7-e1', new Date()))
    expect(read(await sink.page)).toEqual({ events: [], cursor: '7-e1', more: false, oldest: 1, head: 9 })
  })

  test('returns a gap at once', async () => {
    const { sink } = createSink()
    const gap = { from: 1, to: 5, reason: 'purged' } as const
    sink.write(PAGE.gap(gap, '5-e1'))
    expect(read(await sink.page)).toMatchObject({ gap, events: [], cursor: '5-e1' })
  })

  test('returns why the server ends it, with the cursor that the client has when no other is known', async () => {
    const { sink } = createSink()
    const closing = { reason: 'drain', retry: 100 } as const
    sink.close(PAGE.closing(closing, undefined))
    expect(read(await sink.page)).toMatchObject({ closing, events: [], cursor: '1-e1' })
  })

  test('has no page when its client has left', async () => {
    const { sink, cursor } = createSink()
    sink.leave()
    expect(await sink.page).toBeUndefined()
    expect(cursor.left).toBe(1)
  })
})
