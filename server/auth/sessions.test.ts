import { describe, expect, test } from 'bun:test'
import pino from 'pino'
import { AppError } from '../platform/errors.ts'
import type { NewEvent } from '../protocol/event.ts'
import type { EndedSession } from './ended-session-store.ts'
import { EndedSessions } from './ended-sessions.ts'
import type { Grant } from './grant.ts'
import { hashSession, MAX_SESSION_TOKEN_LENGTH, SECURE_NAME } from './session-cookie.ts'
import { createSessions } from './sessions.ts'

/** A server whose tokens are `<subject>.<seconds>.x`: how long they are valid. */
function create() {
  const state = {
    published: [] as NewEvent[],
    stored: [] as EndedSession[],
    calls: [] as string[],
    lines: [] as string[],
    isDown: false,
  }
  const sessions = createSessions({
    grantOfToken: async (token) => {
      const [subject = '', seconds] = token.split('.')
      if (subject === 'expired') throw new AppError('token.expired', 'It has expired.', { status: 401 })
      if (subject === 'broken') throw new Error('a bug')
      return { subject, subscribe: [], publish: [], expiresAt: Date.now() + Number(seconds) * 1000 } as unknown as Grant
    },
    leases: {
      renew: (session, { subject }) => state.calls.push(`renew ${session} ${subject}`),
      end: (session) => state.calls.push(`end ${session}`),
    },
    endedSessions: new EndedSessions(),
    isSecure: () => false,
    store: async (ended) => {
      if (state.isDown) throw new AppError('database.unavailable', 'Postgres is unreachable.', { status: 503 })
      state.stored.push(ended)
    },
    checkRate: () => {},
    publish: async (event) => {
      if (state.isDown) throw new AppError('database.unavailable', 'Postgres is unreachable.', { status: 503 })
      state.published.push(event)
    },
    logger: pino({}, { write: (line) => state.lines.push(line) }),
  })
  const request = (method: string, headers: Record<string, string>) =>
    new Request('http://localhost/session', {
      method,
      headers: { host: 'localhost', origin: 'http://localhost', ...headers },
    })
  const begin = async (token: string, cookie = '') => {
    const begun = await sessions.begin(request('POST', { authorization: `Bearer ${token}`, cookie }))
    const pair = begun.cookie.split(';')[0] ?? ''
    return { cookie: pair, id: pair.slice('sse_session='.length).split('.')[0] ?? '' }
  }
  return { state, begin, end: (cookie: string) => sessions.end(request('DELETE', { cookie })) }
}

describe('a session', () => {
  test('begins without a word to other instances', async () => {
    const { state, begin } = create()
    await begin('alice.60.x')
    expect([state.published, state.calls]).toEqual([[], []])
  })

  test('is renewed here and announced to other instances by its hash', async () => {
    const { state, begin } = create()
    const { cookie, id } = await begin('alice.60.x')
    const renewed = await begin('alice.600.x', cookie)
    expect(renewed.id).toBe(id)
    expect(renewed.cookie).toEndWith('.alice.600.x')
    expect(state.calls).toEqual([`renew ${hashSession(id)} alice`])
    expect(state.published.map(({ type }) => type)).toEqual(['session.renewed'])
  })

  test('is renewed while Postgres is unreachable: the cookie is, and streams of this instance are', async () => {
    const { state, begin } = create()
    const { cookie, id } = await begin('alice.60.x')
    state.isDown = true
    expect((await begin('alice.600.x', cookie)).id).toBe(id)
    expect(state.calls).toHaveLength(1)
    expect(state.lines).toHaveLength(1)
  })

  test.each(['bob.60.x', 'expired.0.x'])('is not renewed with the cookie of %s', async (token) => {
    const { state, begin } = create()
    const { id } = await begin('alice.60.x')
    expect((await begin('alice.60.x', `sse_session=${id}.${token}`)).id).not.toBe(id)
    expect(state.published).toEqual([])
  })

  test('does not begin with a token that makes a cookie which browsers ignore', async () => {
    const { begin } = create()
    const padding = 'x'.repeat(MAX_SESSION_TOKEN_LENGTH - 'alice.60.'.length)
    const { cookie } = await begin(`alice.60.${padding}`)
    expect(cookie.replace('sse_session', SECURE_NAME)).toHaveLength(4096 + '='.length)
    await expect(begin(`alice.60.${padding}x`)).rejects.toMatchObject({ code: 'session.too_large', status: 413 })
  })

  test('does not begin with a token that expires while it is verified', async () => {
    const { begin } = create()
    expect(begin('alice.-1.x')).rejects.toMatchObject({ code: 'token.expired', status: 401 })
  })

  test('is not renewed when the check of its cookie fails for another reason', async () => {
    const { begin } = create()
    const { id } = await begin('alice.60.x')
    expect(begin('alice.60.x', `sse_session=${id}.broken.0.x`)).rejects.toThrow('a bug')
  })

  test('that is ended is stored before other instances are told', async () => {
    const { state, begin, end } = create()
    const { cookie, id } = await begin('alice.60.x')
    await end(cookie)
    const session = hashSession(id)
    expect(state.stored).toEqual([{ session, subject: 'alice', expiresAt: expect.any(Number) }])
    expect(state.published.map(({ type }) => type)).toEqual(['session.ended'])
    expect(JSON.parse(state.published[0]?.data ?? '')).toEqual({ session, expiresAt: state.stored[0]?.expiresAt })
  })

  test('is ended here at once, also when other instances are not reachable, and everywhere by the next request', async () => {
    const { state, begin, end } = create()
    const { cookie, id } = await begin('alice.60.x')
    state.isDown = true
    expect(end(cookie)).rejects.toMatchObject({ code: 'database.unavailable' })
    await Bun.sleep(0)
    expect(state.calls).toEqual([`end ${hashSession(id)}`])
    expect([state.stored, state.published]).toEqual([[], []])
    // Its cookie is not accepted here any more, but it is elsewhere.
    state.isDown = false
    expect(await end(cookie)).toStartWith('sse_session=;')
    expect([state.stored.length, state.published.length]).toEqual([1, 1])
  })
})
