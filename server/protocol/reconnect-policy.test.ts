import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { createRandom } from '../platform/random.ts'
import { createReconnectPolicy, parseRetryAfter, type ReconnectOptions, verdictOf } from './reconnect-policy.ts'

const DAY = 24 * 60 * 60 * 1000
/** Returns the upper limit of each back-off instead of a random share of it. */
const atLimit = (options: ReconnectOptions = {}) => createReconnectPolicy({ random: () => 1, ...options })
const times = (count: number, of: () => number) => Array.from({ length: count }, of)

describe('the silence limit', () => {
  test('is the connect timeout before the first `ready`', () => {
    expect([createReconnectPolicy().silenceLimit, createReconnectPolicy({ connectTimeout: 5 }).silenceLimit]).toEqual([
      10_000, 5,
    ])
  })

  test('is two and a half heartbeats after `ready`', () => {
    const policy = createReconnectPolicy()
    policy.ready(15_000, 0)
    expect(policy.silenceLimit).toBe(37_500)
  })

  test('is the connect timeout again when another attempt begins', () => {
    const policy = createReconnectPolicy()
    policy.ready(15_000, 0)
    policy.connecting()
    expect(policy.silenceLimit).toBe(10_000)
    policy.ready(2000, 0)
    expect(policy.silenceLimit).toBe(5000)
  })

  test.each([[0], [-1], [Number.NaN], [undefined as unknown as number]])('ignores a heartbeat of %p', (heartbeat) => {
    const policy = createReconnectPolicy()
    policy.ready(heartbeat, 0)
    expect(policy.silenceLimit).toBe(10_000)
  })

  test('never exceeds what a timer can wait', () => {
    const policy = createReconnectPolicy()
    policy.ready(2 ** 31, 0)
    expect(policy.silenceLimit).toBe(DAY)
  })
})

describe('the back-off', () => {
  test('doubles its limit from 1 s to 30 s', () => {
    const policy = atLimit()
    expect(times(8, () => policy.nextWait(0))).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  test('takes other limits', () => {
    const policy = atLimit({ firstWait: 100, maxWait: 2000 })
    expect(times(6, () => policy.nextWait(0))).toEqual([100, 200, 400, 800, 1600, 2000])
  })

  test('stays finite after thousands of failures', () => {
    const policy = atLimit()
    expect(times(5000, () => policy.nextWait(0)).at(-1)).toBe(30_000)
  })

  test('has full jitter: all waits between nothing and the limit are as likely', () => {
    const random = createRandom(7)
    const shares = times(4000, () => {
      const policy = createReconnectPolicy({ random })
      policy.nextWait(0)
      return policy.nextWait(0) / 2000
    })
    const quarters = [0, 1, 2, 3].map((quarter) => shares.filter((share) => Math.floor(share * 4) === quarter).length)
    for (const count of quarters) expect(Math.abs(count - 1000)).toBeLessThan(100)
  })

  test('is repeated by the seed of its random numbers', () => {
    const waits = (seed: number) => {
      const policy = createReconnectPolicy({ random: createRandom(seed) })
      return times(10, () => policy.nextWait(0))
    }
    expect(waits(3)).toEqual(waits(3))
    expect(waits(3)).not.toEqual(waits(4))
  })

  test('starts over after a connection that was stable, and not after a shorter one', () => {
    const policy = atLimit()
    for (let count = 0; count < 3; count++) policy.nextWait(0)
    policy.ready(1000, 0)
    expect(policy.nextWait(4999)).toBe(8000)
    policy.ready(1000, 20_000)
    expect(policy.nextWait(25_000)).toBe(1000)
  })

  test('starts over when a browser has reconnected by itself after a stable connection', () => {
    const policy = atLimit()
    for (let count = 0; count < 3; count++) policy.nextWait(0)
    policy.ready(1000, 0)
    policy.ready(1000, 5000)
    expect(policy.nextWait(5001)).toBe(1000)
  })

  test('is at least 100 ms for repeated attempts', () => {
    const policy = createReconnectPolicy({ random: () => 0 })
    expect(times(3, () => policy.nextWait(0))).toEqual([0, 100, 100])
  })

  test('starts over after a reset', () => {
    const policy = atLimit()
    for (let count = 0; count < 5; count++) policy.nextWait(0)
    policy.reset()
    expect(policy.nextWait(0)).toBe(1000)
  })

  test('does not start over when an attempt only begins', () => {
    const policy = atLimit()
    policy.nextWait(0)
    policy.connecting()
    expect(policy.nextWait(0)).toBe(2000)
  })
})

describe("the server's reconnection time", () => {
  test('is waited exactly by the first attempt after a stream that was ready; then the back-off begins', () => {
    const policy = atLimit()
    policy.setReconnectionTime(2345)
    policy.ready(1000, 0)
    expect(times(3, () => policy.nextWait(0))).toEqual([2345, 1000, 2000])
  })

  test('holds again after each stable connection', () => {
    const policy = atLimit()
    policy.setReconnectionTime(2345)
    for (const openedAt of [0, 10_000]) {
      policy.ready(1000, openedAt)
      expect([policy.nextWait(openedAt + 5000), policy.nextWait(openedAt + 8000)]).toEqual([2345, 1000])
    }
  })

  test('is followed by longer and longer waits when connections are lost right after `ready`', () => {
    const policy = atLimit()
    policy.setReconnectionTime(2000)
    const waits = times(5, () => {
      policy.ready(1000, 0)
      return policy.nextWait(10)
    })
    expect(waits).toEqual([2000, 3000, 4000, 6000, 10_000])
  })

  test('is not used by a stream that never was ready', () => {
    const policy = atLimit()
    policy.setReconnectionTime(2345)
    expect(policy.nextWait(0)).toBe(1000)
  })

  test('may be nothing at all', () => {
    const policy = atLimit()
    policy.setReconnectionTime(0)
    policy.ready(1000, 0)
    expect(policy.nextWait(0)).toBe(0)
  })

  test.each([[-1], [Number.NaN]])('is left as it was by %p', (ms) => {
    const policy = atLimit()
    policy.setReconnectionTime(2345)
    policy.setReconnectionTime(ms)
    policy.ready(1000, 0)
    expect(policy.nextWait(0)).toBe(2345)
  })

  test('never exceeds what a timer can wait', () => {
    const policy = atLimit()
    policy.setReconnectionTime(2 ** 40)
    policy.ready(1000, 0)
    expect(policy.nextWait(0)).toBe(DAY)
  })
})

describe('a server that is full', () => {
  const refusals = (policy: ReturnType<typeof atLimit>, count: number) =>
    times(count, () => {
      policy.closing({ reason: 'full', retry: 6000 }, 0)
      return policy.nextWait(0)
    })

  test('is tried after the time that it gives, then later and later', () => {
    expect(refusals(atLimit(), 4)).toEqual([6000, 8000, 10_000, 14_000])
  })

  test('is never tried sooner than the time that it gives', () => {
    const policy = createReconnectPolicy({ random: createRandom(11) })
    for (const wait of refusals(policy, 50)) expect(wait).toBeGreaterThanOrEqual(6000)
  })

  test('is waited for by its own time and not by the one of `ready`', () => {
    const policy = atLimit()
    policy.setReconnectionTime(2345)
    policy.ready(1000, 0)
    expect(refusals(policy, 1)).toEqual([6000])
  })

  test('is forgotten when the next failure has another cause', () => {
    const policy = atLimit()
    refusals(policy, 2)
    expect(policy.nextWait(0)).toBe(4000)
  })

  test('is forgotten after `ready`, and after a reset', () => {
    for (const forget of ['ready', 'reset'] as const) {
      const policy = atLimit()
      policy.closing({ reason: 'full', retry: 6000 }, 0)
      policy[forget](1000, 0)
      expect(policy.nextWait(0)).toBe(1000)
    }
  })

  test.each([[Number.NaN], [-5]])('that gives %p as its time is tried after the back-off', (retry) => {
    const policy = atLimit()
    policy.closing({ reason: 'full', retry }, 0)
    expect([policy.nextWait(0), policy.nextWait(0)]).toEqual([1000, 2000])
  })

  test('ends the special case of a drain: its word is the newer one', () => {
    const policy = atLimit()
    policy.closing({ reason: 'drain', retry: 120 }, 0)
    expect(policy.nextWait(0)).toBe(120)
    policy.closing({ reason: 'full', retry: 6000 }, 120)
    expect(policy.nextWait(120)).toBe(6000)
    expect(policy.nextWait(6120)).toBe(2000)
  })
})

describe('a server that drains', () => {
  test('is tried in the time that it gives, again and again, for as long as a restart may take', () => {
    const policy = atLimit()
    policy.ready(1000, 0)
    policy.closing({ reason: 'drain', retry: 120 }, 1000)
    expect([1000, 5000, 10_999].map((now) => policy.nextWait(now))).toEqual([120, 120, 120])
    expect([11_000, 12_000].map((now) => policy.nextWait(now))).toEqual([1000, 2000])
  })

  test('counts no failure while its time is used', () => {
    const policy = atLimit()
    policy.closing({ reason: 'drain', retry: 120 }, 0)
    for (let now = 0; now < 5000; now += 120) policy.nextWait(now)
    expect(policy.nextWait(20_000)).toBe(1000)
  })

  test('changes its time, and not the end of the restart, when it refuses again', () => {
    const policy = atLimit()
    policy.closing({ reason: 'drain', retry: 120 }, 0)
    policy.nextWait(0)
    policy.closing({ reason: 'drain', retry: 300 }, 9000)
    expect(policy.nextWait(9000)).toBe(300)
    policy.closing({ reason: 'drain', retry: 300 }, 10_000)
    expect([policy.nextWait(10_000), policy.nextWait(10_300)]).toEqual([300, 2000])
  })

  test('slows down when it drains each connection right after `ready`, for longer than a restart takes', () => {
    const policy = atLimit()
    let now = 0
    const waits: number[] = []
    while (now < 60_000) {
      policy.ready(1000, now)
      policy.closing({ reason: 'drain', retry: 20 }, now)
      waits.push(policy.nextWait(now))
      now += waits.at(-1) ?? 0
    }
    expect(waits.slice(0, 3)).toEqual([20, 100, 100])
    expect(waits.slice(100)).toEqual([100, 100, 2020, 4020, 8020, 16_020, 30_020])
  })

  test('is a restart of its own each time after a stable connection, and none after a reset', () => {
    const policy = atLimit()
    policy.closing({ reason: 'drain', retry: 120 }, 0)
    policy.ready(1000, 20_000)
    policy.closing({ reason: 'drain', retry: 200 }, 50_000)
    expect(policy.nextWait(59_999)).toBe(200)
    policy.reset()
    expect(policy.nextWait(59_999)).toBe(1000)
  })

  test('that gives no time is tried after the back-off', () => {
    const policy = atLimit()
    policy.closing({ reason: 'drain', retry: Number.NaN }, 0)
    expect(policy.nextWait(0)).toBe(1000)
  })

  test('may be waited for longer or shorter', () => {
    const policy = atLimit({ restartTimeout: 100 })
    policy.closing({ reason: 'drain', retry: 120 }, 0)
    expect([policy.nextWait(99), policy.nextWait(100)]).toEqual([120, 1000])
  })
})

test('a response with Retry-After is followed by that wait and the back-off', () => {
  const policy = atLimit()
  const waits = times(3, () => {
    policy.setLeastWait(5000)
    return policy.nextWait(0)
  })
  expect([...waits, policy.nextWait(0)]).toEqual([6000, 7000, 9000, 8000])
})

test('a Retry-After that is no time changes nothing', () => {
  const policy = atLimit()
  policy.setLeastWait(5000)
  policy.setLeastWait(Number.NaN)
  expect(policy.nextWait(0)).toBe(6000)
})

test('whatever happens in whatever order, a wait is finite, not negative, and no sooner than the server asked last', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('ready' as const), value: fc.double() }),
      fc.record({ kind: fc.constant('retry' as const), value: fc.double() }),
      fc.record({ kind: fc.constantFrom('drain' as const, 'full' as const), value: fc.integer({ min: 0, max: 1e6 }) }),
      fc.record({ kind: fc.constantFrom('lost' as const, 'connecting' as const), value: fc.constant(0) }),
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(steps, fc.integer(), (sequence, seed) => {
      const policy = createReconnectPolicy({ random: createRandom(seed) })
      let now = 0
      let asked = 0
      for (const { kind, value } of sequence) {
        if (kind === 'ready') policy.ready(value, now)
        else if (kind === 'retry') policy.setReconnectionTime(value)
        else if (kind === 'connecting') policy.connecting()
        else if (kind !== 'lost') policy.closing({ reason: kind, retry: value }, now)
        if (kind === 'drain' || kind === 'full') asked = value
        if (kind === 'ready') asked = 0
        if (kind === 'lost') {
          const wait = policy.nextWait(now)
          expect(Number.isFinite(wait) && wait >= asked && wait <= DAY + 30_000).toBe(true)
          asked = 0
          now += wait
        }
        expect(policy.silenceLimit).toBeGreaterThan(0)
      }
    }),
  )
})

describe('a status', () => {
  test.each([
    [200, 'stream'],
    [204, 'over'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [406, 'refused'],
    [408, 'retry'],
    [425, 'retry'],
    [429, 'retry'],
    [499, 'refused'],
    [500, 'retry'],
    [503, 'retry'],
    [599, 'retry'],
    [206, 'retry'],
    [302, 'retry'],
  ] as const)('%p means: %s', (status, verdict) => {
    expect(verdictOf(status)).toBe(verdict)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T10:00:00Z')
  test.each([
    [null, undefined],
    ['', undefined],
    ['soon', undefined],
    ['-3', undefined],
    ['0', 0],
    ['7', 7000],
    ['Sat, 21 Nov 2026 10:00:09 GMT', 9000],
    ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ])('%p is %p ms', (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms)
  })
})
