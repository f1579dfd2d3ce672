import { describe, expect, test } from 'bun:test'
import pino from 'pino'
import { readAccessEvent, sessionEnded, sessionRenewed } from './access-events.ts'
import { createAccessObserver } from './access-observer.ts'
import { EndedSessions } from './ended-sessions.ts'
import type { Grant } from './grant.ts'
import { createSessionId, hashSession } from './session-cookie.ts'

const SESSION = hashSession(createSessionId())
const GRANT: Grant = {
  subject: 'alice',
  user: 'alice',
  subscribe: ['orders.alice.>'],
  publish: [],
  role: 'user',
  tokenId: null,
  issuedAt: 1000,
  expiresAt: 2000,
}

describe('an event of access control', () => {
  test('is read as it was made', () => {
    const renewed = sessionRenewed(SESSION, GRANT)
    expect(renewed).toMatchObject({ channel: 'sse.access', type: 'session.renewed', origin: null, key: null })
    const read: unknown = readAccessEvent(renewed)
    expect(read).toEqual({ type: 'session.renewed', data: { session: SESSION, grant: GRANT } })
    expect(readAccessEvent(sessionEnded(SESSION, null))).toEqual({
      type: 'session.ended',
      data: { session: SESSION, expiresAt: null },
    })
    expect(readAccessEvent({ type: 'keys.changed', data: 'null' })).toEqual({ type: 'keys.changed', data: null })
  })

  test.each([
    ['another type', 'session.forgotten', '{}'],
    ['no session', 'session.ended', '{"expiresAt":1}'],
    ['a session that is no hash', 'session.ended', '{"session":"x","expiresAt":1}'],
    [
      'a grant without patterns',
      'session.renewed',
      JSON.stringify({ session: SESSION, grant: { ...GRANT, subscribe: null } }),
    ],
    ['another role', 'session.renewed', JSON.stringify({ session: SESSION, grant: { ...GRANT, role: 'root' } })],
    ['data where there is none', 'revocations.changed', '{}'],
  ])('with %s is not read', (_, type, data) => {
    expect(readAccessEvent({ type, data })).toBeUndefined()
  })
})

function observe() {
  const seen: unknown[][] = []
  const lines: string[] = []
  const endedSessions = new EndedSessions()
  const observer = createAccessObserver({
    leases: {
      renew: (session, grant) => seen.push(['renew', session, grant]),
      end: (session) => seen.push(['end', session]),
    },
    endedSessions,
    onTablesChanged: () => seen.push(['tables']),
    onMissed: () => seen.push(['missed']),
    logger: pino({}, { write: (line) => lines.push(line) }),
  })
  const send = (...events: { channel: string; type: string; data: string }[]) =>
    observer.observe(events.map((event, index) => ({ ...event, position: index + 1, time: new Date(), origin: null })))
  return { seen, lines, endedSessions, observer, send }
}

describe('an instance that observes the log', () => {
  test('renews and ends sessions in the order of the log', () => {
    const { seen, endedSessions, send } = observe()
    send(sessionRenewed(SESSION, GRANT), sessionEnded(SESSION, Date.now() + 60_000))
    expect(seen).toEqual([
      ['renew', SESSION, GRANT],
      ['end', SESSION],
    ])
    expect(endedSessions.has(SESSION)).toBe(true)
  })

  test('does not remember an ended session whose token has expired', () => {
    const { endedSessions, send } = observe()
    send(sessionEnded(SESSION, Date.now() - 1))
    expect(endedSessions.has(SESSION)).toBe(false)
  })

  test('reads the tables again when they have changed, and everything when it has missed events', () => {
    const { seen, observer, send } = observe()
    for (const type of ['revocations.changed', 'keys.changed']) send({ channel: 'sse.access', type, data: 'null' })
    observer.missed()
    expect(seen).toEqual([['tables'], ['tables'], ['missed']])
  })

  test('ignores the same event on another channel, and reports one that it does not know', () => {
    const { seen, lines, send } = observe()
    send({ ...sessionEnded(SESSION, null), channel: 'orders.alice.1' })
    expect(lines).toEqual([])
    send({ channel: 'sse.access', type: 'session.forgotten', data: '{}' })
    expect(lines).toHaveLength(1)
    expect(seen).toEqual([])
  })
})
