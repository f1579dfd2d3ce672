import { describe, expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import type { Grant } from './grant.ts'
import { type LeaseHolder, Leases } from './leases.ts'

const grant = (changes: Partial<Grant> = {}): Grant => ({
  subject: 'alice',
  user: 'alice',
  subscribe: ['orders.alice.>'],
  publish: [],
  role: 'user',
  tokenId: 't1',
  issuedAt: 0,
  expiresAt: 1000,
  ...changes,
})

function stream(changes: Partial<LeaseHolder> = {}) {
  const seen: string[] = []
  const holder: LeaseHolder = {
    patterns: ['orders.alice.17'],
    session: 's1',
    onExpiring: (at) => seen.push(`expiring at ${at}`),
    onRenewed: () => seen.push('renewed'),
    onEnd: (reason) => seen.push(reason),
    ...changes,
  }
  return { seen, holder }
}

describe('a lease', () => {
  test('warns once, between 80 and 100 % of the lifetime, and ends at its end', () => {
    for (const random of [0, 0.5, 0.999]) {
      const leases = new Leases(() => random)
      const { seen, holder } = stream()
      leases.add(grant(), holder, 0)
      leases.tick(799)
      expect(seen).toEqual([])
      leases.tick(999)
      leases.tick(999)
      expect(seen).toEqual(['expiring at 1000'])
      leases.tick(1000)
      expect(seen).toEqual(['expiring at 1000', 'expired'])
      expect(leases.size).toBe(0)
    }
  })

  test('leaves a client a second to renew, or a tenth of the lifetime that is left', () => {
    for (const [lifetime, latest] of [
      [1000, 900],
      [20_000, 19_000],
      [600_000, 588_000],
    ] as const) {
      const leases = new Leases(() => 1)
      const { seen, holder } = stream()
      leases.add(grant({ expiresAt: lifetime }), holder, 0)
      leases.tick(latest - 1)
      expect(seen).toEqual([])
      leases.tick(latest)
      expect(seen).toHaveLength(1)
    }
  })

  test('spreads the warnings of many streams', () => {
    let n = 0
    const leases = new Leases(() => n++ / 10)
    const streams = Array.from({ length: 10 }, () => stream())
    for (const { holder } of streams) leases.add(grant(), holder, 0)
    leases.tick(849)
    expect(streams.filter(({ seen }) => seen.length > 0)).toHaveLength(5)
  })

  test('of a token that is nearly over warns in what is left', () => {
    const leases = new Leases(() => 0)
    const { seen, holder } = stream()
    leases.add(grant(), holder, 950)
    leases.tick(950)
    expect(seen).toEqual(['expiring at 1000'])
  })

  test('without an end is never warned of', () => {
    const leases = new Leases()
    const { seen, holder } = stream()
    leases.add(grant({ expiresAt: null }), holder, 0)
    leases.tick(Number.MAX_SAFE_INTEGER)
    expect(seen).toEqual([])
  })

  test('that was released is silent', () => {
    const leases = new Leases()
    const { seen, holder } = stream()
    leases.add(grant(), holder, 0).release()
    leases.tick(2000)
    leases.renew('s1', grant(), 0)
    expect(seen).toEqual([])
  })
})

describe('renewing a session', () => {
  test('gives all its streams, and no other, the new end', () => {
    const leases = new Leases(() => 0)
    const [first, second, other] = [stream(), stream(), stream({ session: 's2' })]
    for (const { holder } of [first, second, other]) leases.add(grant(), holder, 0)
    leases.renew('s1', grant({ issuedAt: 900, expiresAt: 2000 }), 900)
    leases.tick(1000)
    expect([first.seen, second.seen, other.seen]).toEqual([['renewed'], ['renewed'], ['expired']])
    leases.tick(1780)
    expect(first.seen).toEqual(['renewed', 'expiring at 2000'])
  })

  test('ends streams that the new grant does not cover', () => {
    const leases = new Leases()
    const { seen, holder } = stream()
    leases.add(grant(), holder, 0)
    leases.renew('s1', grant({ subscribe: ['orders.alice.18'] }), 0)
    expect(seen).toEqual(['revoked'])
  })

  test('does nothing to streams of another subject', () => {
    const leases = new Leases()
    const { seen, holder } = stream()
    leases.add(grant(), holder, 0)
    leases.renew('s1', grant({ subject: 'mallory', user: 'mallory', expiresAt: 9000 }), 0)
    leases.tick(1000)
    expect(seen).toEqual(['expired'])
  })
})

describe('a lease', () => {
  test('that follows other patterns must be covered by a renewed session in those, and not in the earlier ones', () => {
    const leases = new Leases()
    const [moved, stayed] = [stream(), stream()]
    const [lease] = [moved, stayed].map(({ holder }) => leases.add(grant(), holder, 0))
    lease?.follow(['orders.alice.18'])
    expect(lease?.patterns).toEqual(['orders.alice.18'])
    leases.renew('s1', grant({ subscribe: ['orders.alice.18'] }), 0)
    expect([moved.seen, stayed.seen]).toEqual([['renewed'], ['revoked']])
  })

  test('that is renewed alone ends when the new grant does, and is revoked by what revokes that', () => {
    const leases = new Leases(() => 0)
    const [renewed, other] = [stream(), stream()]
    const lease = leases.add(grant(), renewed.holder, 0)
    leases.add(grant(), other.holder, 0)
    const next = grant({ tokenId: 't2', issuedAt: 900, expiresAt: 2000 })
    lease.renew(next, 900)
    expect(lease.grant).toBe(next)
    leases.tick(1000)
    expect([renewed.seen, other.seen]).toEqual([['renewed'], ['expired']])
    expect(leases.revoke(({ tokenId }) => tokenId === 't2')).toBe(1)
    expect(renewed.seen).toEqual(['renewed', 'revoked'])
  })
})

test('ending a session ends its streams as revoked, and no other', () => {
  const leases = new Leases()
  const [first, other] = [stream(), stream({ session: 's2' })]
  for (const { holder } of [first, other]) leases.add(grant(), holder, 0)
  expect(leases.end('s1')).toBe(1)
  expect(leases.end('s1')).toBe(0)
  expect([first.seen, other.seen]).toEqual([['revoked'], []])
  expect(leases.size).toBe(1)
})

test('revoking ends the streams of a rule and leaves the others', () => {
  const leases = new Leases()
  const [alice, bob] = [stream(), stream()]
  leases.add(grant(), alice.holder, 0)
  leases.add(grant({ subject: 'bob', tokenId: 't2' }), bob.holder, 0)
  expect(leases.revoke(({ tokenId }) => tokenId === 't1')).toBe(1)
  expect([alice.seen, bob.seen]).toEqual([['revoked'], []])
})

describe('thousands of streams at once', () => {
  /** Streams of one session, each of which takes a while to close, and turns of the event loop until all are closed. */
  const closeAll = async (end: (leases: Leases) => void) => {
    const leases = new Leases()
    const closed: string[] = []
    const onEnd = (reason: string) => {
      const until = performance.now() + 1
      while (performance.now() < until);
      closed.push(reason)
    }
    for (let n = 0; n < 50; n++) leases.add(grant(), { ...stream().holder, onEnd }, 0)
    end(leases)
    const atOnce = closed.length
    expect(leases.size).toBe(0)
    while (closed.length < 50) await setImmediate()
    return { atOnce, reasons: new Set(closed) }
  }

  test.each<[string, string, (leases: Leases) => void]>([
    ['that expire', 'expired', (leases) => leases.tick(1000)],
    ['whose token is revoked', 'revoked', (leases) => leases.revoke(() => true)],
    ['whose session is ended', 'revoked', (leases) => leases.end('s1')],
    ['that a renewed session does not cover', 'revoked', (leases) => leases.renew('s1', grant({ subscribe: [] }), 0)],
  ])('%s are closed in several turns of the event loop', async (_title, reason, end) => {
    const { atOnce, reasons } = await closeAll(end)
    expect(atOnce).toBeWithin(1, 20)
    expect([...reasons]).toEqual([reason])
  })

  test('whose end is under way are not closed when their clients have left meanwhile', async () => {
    const leases = new Leases()
    const closed: number[] = []
    const held = Array.from({ length: 3 }, (_, n) =>
      leases.add(
        grant(),
        {
          ...stream().holder,
          onEnd() {
            const until = performance.now() + 6
            while (performance.now() < until);
            closed.push(n)
          },
        },
        0,
      ),
    )
    leases.revoke(() => true)
    held[1]?.release()
    while (closed.length < 2) await setImmediate()
    await setImmediate()
    expect(closed).toEqual([0, 2])
  })
})
