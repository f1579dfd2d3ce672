// How a cursor moves, with replays and a sink whose every step the test decides.

import { describe, expect, test } from 'bun:test'
import { AppError } from '../platform/errors.ts'
import { SSE } from '../transports/sse/encoding.ts'
import { Cursor } from './cursor.ts'
import type { CursorOptions } from './cursor-options.ts'
import type { Chunk } from './encoding.ts'
import type { ReplayStep } from './replay.ts'
import { createSelection, type Selection } from './selection.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const decode = (chunk: Chunk) => new TextDecoder().decode(chunk)

/** Lets all promises that are pending continue. */
const settle = () => Bun.sleep(0)

/** A cursor at 5 of a log whose head is `log.head`, and whose replays the test resolves through `log.steps`. */
function create(more: Partial<CursorOptions> = {}) {
  const log = {
    head: 5,
    wantsMore: true,
    written: [] as string[],
    ends: [] as (string | undefined)[],
    closed: [] as string[],
    errors: [] as unknown[],
    replayed: [] as [number, number][],
    aheads: 0,
    steps: [] as PromiseWithResolvers<ReplayStep>[],
    asked: [] as number[],
    followed: [] as Selection[],
  }
  const options: CursorOptions = {
    id: '7',
    clientId: 'page-1',
    sink: {
      get wantsMore() {
        return log.wantsMore
      },
      write: (chunk) => log.written.push(decode(chunk)),
      close: (last) => log.ends.push(last && decode(last)),
    },
    selection: createSelection(['a']),
    encoding: SSE,
    start: 5,
    ready: {
      connection: '7',
      instance: 'i',
      channels: ['a'],
      cursor: '5-e1',
      oldest: 1,
      head: 5,
      resumed: true,
      heartbeat: 1,
    },
    gap: undefined,
    retry: 100,
    heartbeat: 1000,
    stallTimeout: 5000,
    served: () => log.head,
    epoch: () => 'e1',
    turn: () => undefined,
    replay: (cursor, selection) => {
      const step = Promise.withResolvers<ReplayStep>()
      log.asked.push(cursor)
      log.followed.push(selection)
      log.steps.push(step)
      return step.promise
    },
    onReplayed: (events, bytes) => log.replayed.push([events, bytes]),
    onAhead: () => log.aheads++,
    onClose: (reason) => log.closed.push(reason),
    onError: (error) => log.errors.push(error),
    ...more,
  }
  return { cursor: new Cursor(options), log }
}

/** A cursor that is live at 5, and has written nothing but ready. */
async function createLive(more: Partial<CursorOptions> = {}) {
  const created = create(more)
  await created.cursor.resume()
  expect(created.cursor.isLive).toBe(true)
  // It was at the end already: there is no catching up to report.
  expect(created.log.written).toHaveLength(1)
  created.log.written.length = 0
  return created
}

/** A cursor at 5 that reads what comes after it. */
async function createReading(more: Partial<CursorOptions> = {}) {
  const created = create(more)
  created.log.head = 9
  created.log.written.length = 0
  void created.cursor.resume()
  await settle()
  expect(created.log.asked).toEqual([5])
  return created
}

describe('a new cursor', () => {
  test('has the names that it was given, and writes ready', () => {
    const { cursor, log } = create({ isProxied: true })
    expect([cursor.id, cursor.clientId, cursor.isProxied]).toEqual(['7', 'page-1', true])
    expect(log.written[0]).toStartWith('event: ready\n')
    expect(create().cursor.isProxied).toBe(false)
  })

  test('is behind at its start until it is resumed', () => {
    const { cursor, log } = create()
    expect([cursor.isLive, cursor.position, log.asked]).toEqual([false, 5, []])
  })

  test('moves no client past a gap that is not of this log before the gap was received', () => {
    const hasId = (more: Partial<CursorOptions>) => /^id: /m.test(create(more).log.written[0] ?? '')
    expect(hasId({})).toBe(true)
    expect(hasId({ gap: { from: 1, to: 5, reason: 'purged' } })).toBe(true)
    expect(hasId({ gap: { from: null, to: 5, reason: 'unknown' } })).toBe(false)
  })

  test('sends its gap once, before events', async () => {
    const { cursor, log } = create({ gap: { from: 1, to: 5, reason: 'purged' } })
    log.head = 6
    void cursor.resume()
    await settle()
    expect(log.written[1]).toStartWith('event: gap\n')
    log.steps[0]?.resolve({ chunk: encode('6;'), events: 1, cursor: 6 })
    await settle()
    expect(log.written[2]).toBe('6;')
    expect(log.written.filter((text) => text.startsWith('event: gap'))).toHaveLength(1)
  })
})

describe('a live cursor', () => {
  test('is given what is offered', async () => {
    const { cursor, log } = await createLive()
    expect(cursor.expect(5)).toBe(true)
    log.head = 6
    expect(cursor.position).toBe(5)
    expect(cursor.offer(encode('6;'))).toBe(true)
    expect([log.written, cursor.position, cursor.isLive]).toEqual([['6;'], 6, true])
  })

  test('moves past a flush that has nothing for it', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    log.head = 6
    expect(cursor.offer(undefined)).toBe(false)
    expect([log.written, cursor.position, cursor.isLive]).toEqual([[], 6, true])
  })

  test('falls behind where the flush began when its sink takes nothing', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    log.head = 6
    log.wantsMore = false
    expect(cursor.offer(encode('6;'))).toBe(false)
    expect([log.written, cursor.position, cursor.isLive]).toEqual([[], 5, false])
  })

  test('takes nothing that it does not expect', async () => {
    const { cursor, log } = await createLive()
    expect(cursor.offer(encode('6;'))).toBe(false)
    cursor.expect(5)
    cursor.offer(encode('6;'))
    cursor.offer(encode('6;'))
    expect(log.written).toEqual(['6;'])
  })

  test('expects nothing when it is closed', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    cursor.leave()
    expect(cursor.offer(encode('6;'))).toBe(false)
    expect(cursor.expect(6)).toBe(false)
    expect(log.written).toEqual([])
  })
})

describe('a cursor that catches up', () => {
  test('goes live at the end, with one heartbeat that says where it is', async () => {
    const { cursor, log } = await createReading()
    log.steps[0]?.resolve({ chunk: encode('6;7;'), events: 2, cursor: 7 })
    await settle()
    expect([log.asked, cursor.position]).toEqual([[5, 7], 7])
    log.steps[1]?.resolve({ events: 0, cursor: 9 })
    await settle()
    expect(cursor.isLive).toBe(true)
    expect(log.written).toHaveLength(2)
    expect(log.written[1]).toMatch(/^event: heartbeat\n[\s\S]*^id: 9/m)
  })

  test('sends no heartbeat when it was at the end already, nor when it falls behind later', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    log.head = 6
    log.wantsMore = false
    cursor.offer(encode('6;'))
    log.wantsMore = true
    void cursor.resume()
    await settle()
    log.steps[0]?.resolve({ chunk: encode('6;'), events: 1, cursor: 6 })
    await settle()
    expect([cursor.isLive, log.written]).toEqual([true, ['6;']])
  })

  test('reports what it was given, and not steps without events', async () => {
    const { log } = await createReading()
    log.steps[0]?.resolve({ events: 0, cursor: 7 })
    await settle()
    log.steps[1]?.resolve({ chunk: encode('8;9;'), events: 2, cursor: 9 })
    await settle()
    expect(log.replayed).toEqual([[2, 4]])
  })

  test('sends the gap of a step before its events', async () => {
    const { log } = await createReading()
    const gap = { from: 5, to: 7, reason: 'purged' as const }
    log.steps[0]?.resolve({ gap, chunk: encode('8;'), events: 1, cursor: 8 })
    await settle()
    expect(log.written[0]).toStartWith('event: gap\n')
    expect(log.written[1]).toBe('8;')
  })

  test('reads nothing more while its sink takes nothing', async () => {
    const { cursor, log } = await createReading()
    log.wantsMore = false
    log.steps[0]?.resolve({ chunk: encode('6;'), events: 1, cursor: 6 })
    await settle()
    expect([log.asked, cursor.position]).toEqual([[5], 6])
    log.wantsMore = true
    void cursor.resume()
    await settle()
    expect(log.asked).toEqual([5, 6])
  })

  test('reads once at a time', async () => {
    const { cursor, log } = await createReading()
    void cursor.resume()
    await settle()
    expect(log.asked).toEqual([5])
  })

  test('asks to be woken when it is ahead of the instance', async () => {
    const { cursor, log } = create()
    log.head = 4
    await cursor.resume()
    expect([log.aheads, log.asked, cursor.isLive]).toEqual([1, [], false])
    log.head = 5
    await cursor.advance()
    expect([log.aheads, cursor.isLive]).toEqual([1, true])
  })

  test('drops what it read when it was closed meanwhile', async () => {
    const { cursor, log } = await createReading()
    cursor.leave()
    log.steps[0]?.resolve({ chunk: encode('6;'), events: 1, cursor: 6 })
    await settle()
    expect([log.written, log.asked]).toEqual([[], [5]])
  })

  test('ends with an error when a read fails for another reason than Postgres', async () => {
    const { log } = await createReading()
    const error = new TypeError('broken')
    log.steps[0]?.reject(error)
    await settle()
    expect([log.errors, log.closed]).toEqual([[error], ['error']])
    expect(log.ends[0]).toContain('"reason":"error"')
  })

  test('reads again after Postgres was unavailable', async () => {
    const { log, cursor } = await createReading()
    const again = Promise.withResolvers<void>()
    const { push } = log.asked
    log.asked.push = (...cursors) => {
      again.resolve()
      return push.apply(log.asked, cursors)
    }
    log.steps[0]?.reject(new AppError('database.unavailable', 'unavailable', { status: 503 }))
    await again.promise
    expect([log.asked, log.errors, log.closed, cursor.position]).toEqual([[5, 5], [], [], 5])
  })
})

describe('a cursor that jumps', () => {
  test('sends the gap and continues after it', async () => {
    const { cursor, log } = await createLive()
    log.head = 20
    cursor.jump({ from: 5, to: 20, reason: 'purged' })
    await settle()
    expect([log.written.length, cursor.isLive, cursor.position]).toEqual([1, true, 20])
    expect(log.written[0]).toContain('"from":5,"to":20,"reason":"purged"')
  })

  test('twice sends one gap from where it was first', async () => {
    const { cursor, log } = await createLive()
    log.wantsMore = false
    cursor.jump({ from: 5, to: 20, reason: 'purged' })
    cursor.jump({ from: 20, to: 3, reason: 'unknown' })
    expect(cursor.position).toBe(3)
    log.head = 3
    log.wantsMore = true
    await cursor.resume()
    expect(log.written[0]).toContain('"from":5,"to":3,"reason":"unknown"')
    expect(log.written.filter((text) => text.startsWith('event: gap'))).toHaveLength(1)
  })

  test('takes no chunk that it expected before', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    log.wantsMore = false
    cursor.jump({ from: 5, to: 20, reason: 'purged' })
    log.wantsMore = true
    expect(cursor.offer(encode('6;'))).toBe(false)
    expect([log.written, cursor.position]).toEqual([[], 20])
  })

  test('drops what it was reading', async () => {
    const { cursor, log } = await createReading()
    cursor.jump({ from: 5, to: 20, reason: 'unknown' })
    log.head = 20
    log.steps[0]?.resolve({ chunk: encode('6;'), events: 1, cursor: 6 })
    await settle()
    expect(log.written.join()).not.toContain('6;')
    expect([cursor.position, cursor.isLive]).toEqual([20, true])
  })
})

describe('a cursor that follows another selection', () => {
  const other = createSelection(['b'])

  test('stays live where nothing is on its way', async () => {
    const { cursor, log } = await createLive()
    cursor.follow(other)
    await settle()
    expect([cursor.selection, cursor.isLive, cursor.position, log.asked, log.written]).toEqual([other, true, 5, [], []])
  })

  test('takes no chunk of the earlier one, and reads from where the flush began by itself', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    log.head = 6
    cursor.follow(other)
    expect(cursor.offer(encode('6;'))).toBe(false)
    await settle()
    expect([log.asked, log.followed.at(-1), cursor.isLive]).toEqual([[5], other, false])
    log.steps[0]?.resolve({ chunk: encode('b6;'), events: 1, cursor: 6 })
    await settle()
    expect([log.written, cursor.isLive, cursor.position]).toEqual([['b6;'], true, 6])
  })

  test('drops what it was reading of the earlier one, and reads that again', async () => {
    const { cursor, log } = await createReading()
    cursor.follow(other)
    log.steps[0]?.resolve({ chunk: encode('6;'), events: 1, cursor: 6 })
    await settle()
    expect([log.written, log.asked, cursor.position]).toEqual([[], [5, 5], 5])
    expect(log.followed.at(-1)).toBe(other)
  })

  test('keeps the gap that is due, and names no cursor to resume with until it was sent', async () => {
    const { cursor, log } = await createLive()
    log.wantsMore = false
    cursor.jump({ from: 5, to: 20, reason: 'purged' })
    cursor.follow(other)
    expect([cursor.resumption, cursor.position]).toEqual([undefined, 20])
    log.head = 20
    log.wantsMore = true
    await cursor.resume()
    expect(log.written[0]).toContain('"from":5,"to":20')
    expect(cursor.resumption).toBe('20-e1')
  })
})

describe('the check of a cursor', () => {
  // A whole number, so that differences are exact.
  const later = (ms: number) => Math.ceil(performance.now()) + ms

  test('reports what it wrote', async () => {
    const { cursor, log } = await createLive({ heartbeat: 10_000 })
    expect(cursor.tick(later(0))).toBe(false)
    expect(cursor.tick(later(3001))).toBe(true)
    expect(cursor.tick(later(10_001))).toBe(true)
    expect(log.written).toEqual([':\n', expect.stringMatching(/^event: heartbeat\n/)])
  })

  test('counts from the last frame, and from the last comment', async () => {
    const { cursor, log } = await createLive({ heartbeat: 10_000 })
    const clock = performance.now
    const written = later(9000)
    performance.now = () => written
    cursor.expect(5)
    cursor.offer(encode('6;'))
    expect(cursor.tick(written + 2999)).toBe(false)
    expect(cursor.tick(written + 3000)).toBe(true)
    expect(cursor.tick(written + 2999)).toBe(false)
    performance.now = clock
    expect(log.written).toEqual(['6;', ':\n'])
    expect(cursor.tick(written + 9999)).toBe(true)
    expect(cursor.tick(written + 10_000)).toBe(true)
    expect(log.written[3]).toStartWith('event: heartbeat\n')
  })

  test('of a cursor that waits in a flush sends a heartbeat with the position that it has', async () => {
    const { cursor, log } = await createLive()
    cursor.expect(5)
    log.head = 9
    cursor.tick(later(1001))
    expect(log.written[0]).toMatch(/^id: 5/m)
  })

  test('closes a stalled one, and reports nothing written', async () => {
    const { cursor, log } = await createLive()
    log.wantsMore = false
    expect(cursor.tick(later(5001))).toBe(false)
    expect(log.closed).toEqual(['stalled'])
  })

  test('counts from the last time that the sink wanted more', async () => {
    const { cursor, log } = await createLive()
    const clock = performance.now
    const resumed = later(4000)
    performance.now = () => resumed
    void cursor.resume()
    performance.now = clock
    log.wantsMore = false
    cursor.tick(resumed + 4999)
    expect(log.closed).toEqual([])
    cursor.tick(resumed + 5000)
    expect(log.closed).toEqual(['stalled'])
  })
})

describe('the end', () => {
  test('comes once: with closing, unless the client ended it', async () => {
    const { cursor, log } = await createLive()
    cursor.close('replaced')
    cursor.close('shutdown')
    cursor.leave()
    expect([log.closed, log.ends.length]).toEqual([['replaced'], 1])
    expect(log.ends[0]).toContain('"reason":"replaced","retry":100')
    const other = await createLive()
    other.cursor.close('client')
    expect([other.log.closed, other.log.ends]).toEqual([['client'], [undefined]])
  })

  test('of a client that disconnects closes no sink', async () => {
    const { cursor, log } = await createLive()
    cursor.leave()
    expect([log.closed, log.ends]).toEqual([['client'], []])
  })

  test('as a shutdown is a drain for the client', async () => {
    const { cursor, log } = await createLive()
    cursor.close('shutdown', 7)
    expect(log.ends[0]).toContain('"reason":"drain","retry":7')
    expect(log.ends[0]).toMatch(/^id: 5/m)
  })
})

describe('a gap that comes up during a read', () => {
  test('is sent instead of the heartbeat that is due, which would move the client past it', async () => {
    const { cursor, log } = await createReading()
    cursor.jump({ from: 5, to: 20, reason: 'unknown' })
    expect(log.written).toEqual([])
    expect(cursor.tick(performance.now() + 1001)).toBe(true)
    log.head = 20
    log.steps[0]?.resolve({ chunk: encode('9;'), events: 1, cursor: 9 })
    await settle()
    expect(log.written.map(nameOf)).toEqual(['gap', 'heartbeat'])
    expect(cursor.position).toBe(20)
  })

  test('is sent before the warning of expiry, whose ID would move the client past it', async () => {
    const { cursor, log } = await createReading()
    cursor.warnOfExpiry(Date.now() + 60_000)
    cursor.jump({ from: 5, to: 20, reason: 'unknown' })
    log.head = 20
    log.steps[0]?.resolve({ events: 0, cursor: 9 })
    await settle()
    expect(log.written.map(nameOf)).toEqual(['gap', 'auth-expiring', 'heartbeat'])
  })
})

/** The name of the control event in a frame. */
const nameOf = (frame: string) => /^event: (.*)$/m.exec(frame)?.[1]
