import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { type Flushable, Flusher } from './flusher.ts'
import type { RecentEvent } from './recent-events.ts'
import { Router } from './router.ts'

const MIB = 2 ** 20
const INTERVAL = 50

let time = 0
const clock = performance.now
beforeEach(() => {
  jest.useFakeTimers()
  time = 0
  performance.now = () => time
})
afterEach(() => {
  jest.useRealTimers()
  performance.now = clock
})

/** Lets promises continue. */
const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

/** Lets time pass, and everything that falls due happen. */
async function pass(ms: number): Promise<void> {
  time += ms
  jest.advanceTimersByTime(ms)
  await settle()
}

/** Lets the event loop turn once. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await settle()
}

/** An audience of `streams` streams that each get `bytes` bytes a flush, and the flusher in front of it. */
function setUp({ streams = 1, bytes = 10 } = {}) {
  const log = { froms: [] as number[], positions: [] as number[], writes: 0, flushed: 0 }
  let pending: number[] = []
  const audience: Flushable = {
    slice: 0,
    add: ({ position }) => pending.push(position),
    *flush(from) {
      log.froms.push(from)
      log.positions.push(...pending)
      pending = []
      for (let stream = 0; stream < streams; stream++) {
        log.writes++
        yield bytes
      }
    },
  }
  const router = new Router<Flushable>(0, () => [audience])
  const flusher = new Flusher({ router, interval: INTERVAL, onFlushed: () => log.flushed++ })
  let position = 0
  const push = (size = 10) =>
    router.push({ position: ++position, channel: 'a', bytes: size } as Partial<RecentEvent> as RecentEvent)
  return { log, router, flusher, push }
}

describe('a flush', () => {
  test('happens at once when there was none for an interval', async () => {
    const { log, flusher, push } = setUp()
    push()
    flusher.schedule()
    await settle()
    expect(log).toMatchObject({ froms: [0], positions: [1], flushed: 1 })
  })

  test('waits for the rest of the interval, and takes all that arrives meanwhile', async () => {
    const { log, flusher, push } = setUp()
    push()
    flusher.schedule()
    await pass(10)
    push()
    flusher.schedule()
    push()
    flusher.schedule()
    await pass(INTERVAL - 11)
    expect(log.positions).toEqual([1])
    await pass(1)
    expect(log).toMatchObject({ froms: [0, 1], positions: [1, 2, 3], flushed: 2 })
  })

  test('happens at once when the interval has just passed, and not a millisecond earlier', async () => {
    const { log, flusher, push } = setUp()
    push()
    flusher.schedule()
    await pass(INTERVAL - 1)
    push()
    flusher.schedule()
    expect(log.positions).toEqual([1])
    await pass(1)
    expect(log.positions).toEqual([1, 2])
    await pass(INTERVAL)
    push()
    flusher.schedule()
    expect(log.positions).toEqual([1, 2, 3])
  })

  test('does not happen without events, nor after a stop', async () => {
    const { log, flusher, push } = setUp()
    flusher.schedule()
    await pass(INTERVAL)
    expect(log.flushed).toBe(0)
    push()
    flusher.schedule()
    await settle()
    push()
    flusher.schedule()
    push()
    flusher.schedule()
    flusher.stop()
    await pass(2 * INTERVAL)
    expect(log.positions).toEqual([1])
  })

  test('can be scheduled again after a stop', async () => {
    const { log, flusher, push } = setUp()
    push()
    flusher.schedule()
    await settle()
    push()
    flusher.schedule()
    flusher.stop()
    flusher.schedule()
    await pass(INTERVAL)
    expect(log.positions).toEqual([1, 2])
  })

  test('of more than the router takes in a slice continues in the next event-loop turn', async () => {
    const { log, flusher, push } = setUp()
    push(32 * MIB)
    push(32 * MIB)
    flusher.schedule()
    await settle()
    expect(log.positions).toEqual([1])
    await pass(1)
    expect(log).toMatchObject({ froms: [0, 1], positions: [1, 2], flushed: 2 })
  })
})

describe('a long flush', () => {
  test('yields to the event loop after 250 writes', async () => {
    const { log, flusher, push } = setUp({ streams: 600 })
    push()
    flusher.schedule()
    await settle()
    expect(log.writes).toBe(250)
    await turn()
    expect([log.writes, log.flushed]).toEqual([500, 0])
    await turn()
    expect([log.writes, log.flushed]).toEqual([600, 1])
  })

  test('yields to the event loop after 16 MiB', async () => {
    const { log, flusher, push } = setUp({ streams: 10, bytes: 4 * MIB })
    push()
    flusher.schedule()
    await settle()
    expect(log.writes).toBe(4)
    await turn()
    expect(log.writes).toBe(8)
  })

  test('is not joined by another one: what arrives meanwhile follows after it', async () => {
    const { log, flusher, push } = setUp({ streams: 400 })
    push()
    flusher.schedule()
    await settle()
    push()
    flusher.schedule()
    expect([log.writes, log.positions]).toEqual([250, [1]])
    await turn()
    expect([log.writes, log.positions]).toEqual([400, [1]])
    await pass(1)
    expect([log.writes, log.positions]).toEqual([650, [1, 2]])
  })
})

describe('flushing everything', () => {
  test('does not wait for the interval, and clears what was scheduled', async () => {
    const { log, flusher, push } = setUp()
    push()
    flusher.schedule()
    await settle()
    push()
    flusher.schedule()
    await flusher.flushAll()
    expect(log.positions).toEqual([1, 2])
    await pass(INTERVAL)
    expect(log.flushed).toBe(2)
  })

  test('resolves when all slices were flushed', async () => {
    const { log, router, flusher, push } = setUp()
    for (let count = 0; count < 3; count++) push(32 * MIB)
    let isDone = false
    void flusher.flushAll().then(() => {
      isDone = true
    })
    await settle()
    expect([router.position, isDone]).toEqual([1, false])
    for (let turn = 0; turn < 3; turn++) await pass(1)
    expect([log.positions, isDone]).toEqual([[1, 2, 3], true])
  })

  test('waits for a flush under way', async () => {
    const { log, flusher, push } = setUp({ streams: 400 })
    push()
    flusher.schedule()
    await settle()
    let isDone = false
    void flusher.flushAll().then(() => {
      isDone = true
    })
    await settle()
    expect([log.writes, isDone]).toEqual([250, false])
    await turn()
    await pass(1)
    expect([log.writes, isDone]).toEqual([400, true])
  })

  test('of nothing resolves at once', async () => {
    const { log, flusher } = setUp()
    await flusher.flushAll()
    expect(log.flushed).toBe(0)
  })
})

test('is full when 256 KiB are pending', () => {
  const { flusher, push } = setUp()
  push(256 * 1024 - 1)
  expect(flusher.isFull).toBe(false)
  push(1)
  expect(flusher.isFull).toBe(true)
})

test('a flush that fails does not prevent the next one', async () => {
  const { router, flusher, push, log } = setUp()
  const route = router.route.bind(router)
  router.route = () => {
    throw new Error('broken')
  }
  push()
  await expect(flusher.flushAll()).rejects.toThrow('broken')
  router.route = route
  await flusher.flushAll()
  expect(log.positions).toEqual([1])
})
