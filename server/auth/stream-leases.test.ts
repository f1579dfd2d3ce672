import { describe, expect, test } from 'bun:test'
import { advance, useFakeTime } from '../testing/fake-time.ts'
import type { Actor } from './actor.ts'
import { EndedSessions } from './ended-sessions.ts'
import type { Grant } from './grant.ts'
import { KeyRing } from './key-ring.ts'
import { Leases } from './leases.ts'
import { Revocations } from './revocations.ts'
import { createSessionId, hashSession } from './session-cookie.ts'
import { createStreamLeases } from './stream-leases.ts'

useFakeTime()

const SESSION = createSessionId()

function create() {
  const keys = new KeyRing([{ name: 'billing', hash: new Uint8Array(32), publish: [], subscribe: [], role: 'user' }])
  const parts = {
    leases: new Leases(() => 0),
    revocations: new Revocations(),
    keys,
    endedSessions: new EndedSessions(),
  }
  const actor = (changes: Partial<Grant> = {}): Actor => ({
    user: 'alice',
    clientId: null,
    isScoped: true,
    session: SESSION,
    grant: {
      subject: 'alice',
      user: 'alice',
      subscribe: ['a.>'],
      publish: [],
      role: 'user',
      tokenId: 't1',
      issuedAt: Date.now(),
      expiresAt: Date.now() + 10_000,
      ...changes,
    },
  })
  return { ...parts, actor, streams: createStreamLeases(parts) }
}

const codeOf = (run: () => void) => {
  try {
    run()
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('rights that end while a stream is being opened', () => {
  test('by time', async () => {
    const { actor, streams } = create()
    const alice = actor()
    expect(codeOf(() => streams.check(alice))).toBeUndefined()
    await advance(10_000)
    expect(codeOf(() => streams.check(alice))).toBe('token.expired')
  })

  test('by a revocation', () => {
    const { actor, revocations, streams } = create()
    revocations.set([{ kind: 'token', value: 't1', at: Date.now() }])
    expect(codeOf(() => streams.check(actor()))).toBe('token.revoked')
    expect(codeOf(() => streams.check(actor({ tokenId: 't2' })))).toBeUndefined()
  })

  test('with the key', () => {
    const { actor, keys, streams } = create()
    const key = (subject: string) => actor({ subject, tokenId: null, expiresAt: null })
    keys.set([{ name: 'stored', hash: new Uint8Array(32), publish: [], subscribe: [], role: 'user' }])
    keys.set([])
    expect(codeOf(() => streams.check(key('stored')))).toBe('key.unknown')
    expect(codeOf(() => streams.check(key('billing')))).toBeUndefined()
  })

  test('with the session', () => {
    const { actor, endedSessions, streams } = create()
    endedSessions.add(hashSession(SESSION), 10_000)
    expect(codeOf(() => streams.check(actor()))).toBe('token.revoked')
    expect(codeOf(() => streams.check({ ...actor(), session: null }))).toBeUndefined()
  })
})

describe('an open stream', () => {
  const open = () => {
    const created = create()
    const seen: unknown[][] = []
    const stream = {
      warnOfExpiry: (at: number | undefined) => seen.push(['warn', at]),
      close: (reason: string, retry: number) => seen.push([reason, retry > 600 && retry < 1500]),
    }
    const actor = created.actor()
    const lease = created.streams.hold(actor, ['a.1'], stream)
    return { ...created, granted: actor, seen, lease }
  }

  test('is warned and ended by its lease, with a time to wait', () => {
    const { leases, granted, seen } = open()
    leases.tick(Date.now() + 8000)
    leases.tick(Date.now() + 10_000)
    expect(seen).toEqual([
      ['warn', granted.grant.expiresAt],
      ['expired', true],
    ])
  })

  test('is renewed by the hash of its session, which drops a warning', () => {
    const { leases, actor, seen } = open()
    leases.renew(SESSION, actor().grant, Date.now())
    leases.renew(hashSession(SESSION), actor({ expiresAt: Date.now() + 60_000 }).grant, Date.now())
    leases.tick(Date.now() + 10_000)
    expect(seen).toEqual([['warn', undefined]])
  })

  test('is not held after its end', () => {
    const { leases, lease } = open()
    expect(leases.size).toBe(1)
    lease.release()
    expect(leases.size).toBe(0)
  })
})
