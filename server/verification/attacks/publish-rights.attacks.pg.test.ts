// Publishers who may publish to some channels, and publish to others: with tokens and with keys.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { createKey } from '../../auth/key-ring.ts'
import { type Door, knock } from '../../testing/doors.ts'
import { type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { bearer, type TestClaims, TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const ALICE: TestClaims = { sub: 'alice', publish: ['chat.{sub}.>', 'rooms.*.alice'] }
const KEYS = {
  billing: { key: createKey(), publish: ['billing.{sub}.>', 'invoices.*'] },
  reader: { key: createKey(), publish: [], subscribe: ['orders.*.1'] },
  all: { key: createKey(), publish: ['>'], subscribe: ['>'] },
}
const keyHeader = (name: keyof typeof KEYS) => ({ authorization: `Bearer ${KEYS[name].key}` })

let server: GuardedServer
beforeAll(async () => {
  const PUBLISH_KEYS = JSON.stringify(Object.entries(KEYS).map(([name, key]) => ({ name, ...key })))
  server = await startGuarded({ JWT_SECRET: TOKEN_SECRET, PUBLISH_KEYS }, await tokenOf(OPERATOR))
}, 60_000)
afterEach(() => server.expectUntouched())
afterAll(async () => {
  server.expectNotLogged([TOKEN_SECRET, ...Object.values(KEYS).map(({ key }) => key)])
  await server[Symbol.asyncDispose]()
})

type Headers = Record<string, string>

/** @param body events, or JSON text */
const post = (headers: Headers, body: unknown) =>
  knock(
    server.url,
    { route: 'POST /events', body: typeof body === 'string' ? body : JSON.stringify(body) },
    { 'content-type': 'application/json', ...headers },
  )

/** Fails unless one event, and a batch in which it is the second or last of allowed ones, is refused. */
async function expectRefused(headers: Headers, allowed: string, channel: string, status = 403, code = 'access.denied') {
  const event = { channel, type: 't', data: 1 }
  const good = { channel: allowed, type: 't', data: 1 }
  for (const body of [event, [event], [good, event], [event, good], [good, good, good, event, good]]) {
    const answer = await post(headers, body)
    expect([channel, answer.status, answer.code, answer.challenge]).toEqual([channel, status, code, null])
    if (code === 'access.denied') expect(JSON.parse(answer.text).channel).toBe(channel)
    expect(answer.text).not.toContain(headers.authorization?.slice(7) ?? 'Bearer')
  }
}

const reading = (channel: string): Door[] =>
  ['text/event-stream', 'application/json'].map((accept) => ({
    route: `GET /events?${new URLSearchParams({ channel })}`,
    headers: { accept },
  }))

describe('a token that may publish to chat.alice.> may not publish to', () => {
  test.each([
    'chat.alice',
    'chat.bob.1',
    'chat.Alice.1',
    'chat.alic\u0435.1',
    'chat.alice%2E1',
    'chat%2Ealice.1',
    'chat.{sub}.1',
    'rooms.alice',
    'rooms.1.bob',
    'rooms.1.alice.1',
    // What it may read.
    'orders.alice.1',
    'notifications.alice',
    'broadcast',
  ])('%p', async (channel) => {
    await expectRefused(await bearer(ALICE), 'chat.alice.1', channel)
  })

  test.each([
    'chat.alice.*',
    'chat.alice.>',
    '>',
    '*',
    'chat.alice.',
    'chat..alice',
    '',
    'chat.alice.1\n',
    'chat.alice.\u0000',
    'chat.alice.a b',
  ])('a channel that is none: %j', async (channel) => {
    await expectRefused(await bearer(ALICE), 'chat.alice.1', channel, 400, 'channel.invalid')
  })

  test.each([null, 7, [['chat.alice.1']], { toString: 'chat.alice.1' }, true])(
    'a channel that is no text: %j',
    async (channel) => {
      const answer = await post(await bearer(ALICE), { channel, type: 't' })
      expect([answer.status, answer.code]).toEqual([400, 'channel.invalid'])
    },
  )

  test('a channel that is written with escapes, or in a member that is named twice', async () => {
    const headers = await bearer(ALICE)
    for (const body of [
      '{"channel":"chat.\\u0062ob.1","type":"t"}',
      '{"ch\\u0061nnel":"chat.bob.1","type":"t"}',
      '{"channel":"chat.alice.1","channel":"chat.bob.1","type":"t"}',
      '{"channel":"chat.alice.1","ch\\u0061nnel":"chat.bob.1","type":"t"}',
      '[{"channel":"chat.alice.1","type":"t"},{"type":"t","channel":"chat.bob\\u002e1"}]',
    ]) {
      const answer = await post(headers, body)
      expect([400, 403]).toContain(answer.status)
    }
  })

  test('the channel that another client ID, key or user in the headers suggests', async () => {
    const headers = { ...(await bearer(ALICE)), 'x-user': 'bob', 'x-client-id': 'bob:1', 'idempotency-key': 'k' }
    await expectRefused(headers, 'chat.alice.1', 'chat.bob.1')
  })

  test('for comparison: its own channels, which it may not read', async () => {
    const headers = await bearer(ALICE)
    for (const channel of ['chat.alice.1', 'chat.alice.1.2', 'rooms.7.alice']) {
      expect((await post(headers, { channel, type: 't' })).status).toBe(201)
      for (const door of reading(channel))
        expect(await knock(server.url, door, headers)).toMatchObject({ status: 403, code: 'access.denied' })
    }
    await server.forget()
  })
})

describe('a key', () => {
  test.each(['billing.other.1', 'billing.billing', 'invoices', 'invoices.1.2', 'orders.alice.1', 'all.1', 'broadcast'])(
    'may not publish outside of its patterns: %p',
    async (channel) => {
      await expectRefused(keyHeader('billing'), 'billing.billing.1', channel)
    },
  )

  test.each(['billing.billing.1', 'invoices.1', '>', 'broadcast', 'orders.alice.>'])(
    'that only publishes reads nothing: %p',
    async (channel) => {
      for (const door of reading(channel)) {
        expect(await knock(server.url, door, keyHeader('billing'))).toMatchObject({
          status: 403,
          code: 'access.denied',
        })
      }
      const page = await knock(
        server.url,
        { route: 'GET /events', headers: { accept: 'application/json' } },
        keyHeader('billing'),
      )
      expect(JSON.parse(page.text).events).toEqual([])
    },
  )

  test('that only reads publishes nothing, and reads no more than its pattern', async () => {
    expect(await post(keyHeader('reader'), { channel: 'orders.alice.1', type: 't' })).toMatchObject({
      status: 403,
      code: 'access.denied',
    })
    for (const channel of ['orders.alice.2', 'orders.>', 'orders.*.*', '>']) {
      for (const door of reading(channel)) expect((await knock(server.url, door, keyHeader('reader'))).status).toBe(403)
    }
    for (const door of reading('orders.alice.1'))
      expect((await knock(server.url, door, keyHeader('reader'))).status).toBe(200)
  })

  test('of a user is no operator, whatever its patterns, and begins no session', async () => {
    for (const route of ['GET /metrics', 'GET /api/cluster', 'GET /api/orders?customer=alice']) {
      expect(await knock(server.url, { route }, keyHeader('all'))).toMatchObject({ status: 403, code: 'access.denied' })
    }
    const answer = await knock(server.url, { route: 'POST /session' }, keyHeader('all'))
    expect(answer).toMatchObject({ status: 400, code: 'session.key', setCookie: null })
    const cookie = { cookie: `sse_session=${'i'.repeat(22)}.${KEYS.all.key}` }
    expect(await knock(server.url, { route: 'GET /session' }, cookie)).toMatchObject({
      status: 401,
      code: 'auth.required',
    })
  })

  test.each([
    (key: string) => key.slice(0, -1),
    (key: string) => `${key}x`,
    (key: string) => key.toUpperCase(),
    () => 'billing',
    () => `ssek_${'A'.repeat(43)}`,
  ])('is known by all of its characters: %#', async (change) => {
    const headers = { authorization: `Bearer ${change(KEYS.billing.key)}` }
    expect(await post(headers, { channel: 'billing.billing.1', type: 't' })).toMatchObject({
      status: 401,
      code: 'key.unknown',
    })
  })
})
