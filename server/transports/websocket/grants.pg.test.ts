import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { closeOf, openSocketReader, type SocketReader } from '../../testing/socket-reader.ts'
import { publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET, type TokenOptions, tokenOf } from '../../testing/tokens.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const operator = () => bearer({ sub: 'root', subscribe: ['>'], publish: ['>'], role: 'operator' })
const alice: TestClaims = { sub: 'alice', subscribe: ['alice.>', 'shared'] }

const open = async (channels: readonly string[], claims: TestClaims = alice, options: TokenOptions = {}) =>
  openSocketReader(instance.url, channels, {}, await bearer(claims, options))

/** Publishes to a channel and waits until the socket has it: its stream lives. */
async function expectAlive(socket: SocketReader, channel: string): Promise<void> {
  const mark = crypto.randomUUID()
  await publish(instance.url, [{ channel, type: 't', data: mark }], await operator())
  await until('the event', () => socket.events.some(({ data }) => data.data === mark))
}

describe('the grant of a WebSocket', () => {
  test('decides at its opening, with a problem document', async () => {
    const headers = {
      ...(await bearer(alice)),
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'sse-update.v1',
    }
    const denied = await fetch(`${instance.url}/events?channel=bob.x`, { headers })
    expect([denied.status, await denied.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'access.denied', channel: 'bob.x' }),
    ])
    const { authorization: _, ...without } = headers
    const unknown = await fetch(`${instance.url}/events?channel=alice.x`, { headers: without })
    expect([unknown.status, await unknown.json()]).toEqual([401, expect.objectContaining({ code: 'auth.required' })])
  })

  test('decides about channels that are added later, and a refusal leaves the others alone', async () => {
    using socket = await open(['alice.x'])
    socket.send({ subscribe: ['alice.y', 'bob.x'] })
    const { data } = await socket.message('error')
    expect(data).toMatchObject({ code: 'access.denied', status: 403, channel: 'bob.x' })
    socket.send({ subscribe: ['alice.y'] })
    const { data: now } = await socket.message('subscribed')
    expect(now.channels).toEqual(['alice.x', 'alice.y'])
    await publish(instance.url, [{ channel: 'bob.x', type: 't' }], await operator())
    await expectAlive(socket, 'alice.y')
    expect(socket.events.map(({ data }) => data.channel)).toEqual(['alice.y'])
  })

  test('ends: the client is warned, told, and the connection closed', async () => {
    using socket = await open(['alice.x'], alice, { ttl: 3 })
    const { data } = await socket.message('auth-expiring')
    expect(Date.parse(data.expiresAt)).toBeGreaterThan(Date.now() - 5000)
    expect(await socket.closed).toEqual(closeOf('expired'))
    expect(socket.messages.at(-1)).toMatchObject({ event: 'closing', data: { reason: 'expired' } })
  })

  test('is revoked on every instance', async () => {
    await using other = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
    const claims = { sub: 'eve', subscribe: ['eve.>'], jti: crypto.randomUUID() }
    using socket = await openSocketReader(other.url, ['eve.x'], {}, await bearer(claims))
    await database.sql`select sse.revoke('token', ${claims.jti})`
    expect(await socket.closed).toEqual(closeOf('revoked'))
  })
})

describe('a token that renews the grant of a WebSocket', () => {
  test('keeps it open beyond the end of the first one, in its place', async () => {
    using socket = await open(['alice.x'], alice, { ttl: 3 })
    const warning = await socket.message('auth-expiring')
    const expiresAt = Math.floor(Date.now() / 1000) + 900
    socket.send({ token: await tokenOf({ ...alice, exp: expiresAt }) })
    const { data } = await socket.message('renewed')
    expect(Date.parse(data.expiresAt)).toBe(expiresAt * 1000)
    await until('the end of the first token', () => Date.now() > Date.parse(warning.data.expiresAt) + 1000)
    await expectAlive(socket, 'alice.x')
  })

  test('decides about the channels that are added after it', async () => {
    using socket = await open(['alice.x'])
    socket.send({ subscribe: ['extra'] })
    await socket.message('error')
    socket.send({ token: await tokenOf({ ...alice, subscribe: ['alice.>', 'extra'] }) })
    socket.send({ subscribe: ['extra'] })
    await socket.message('subscribed')
    await expectAlive(socket, 'extra')
  })

  test('must be valid, of the same subject, and cover the channels; else the stream keeps the grant that it has', async () => {
    using socket = await open(['alice.x'])
    const tokens: [string, string][] = [
      ['token.invalid', 'x'],
      ['token.invalid', await tokenOf(alice, { secret: 'another secret, of more than thirty-two bytes' })],
      ['token.expired', await tokenOf(alice, { ttl: -600 })],
      ['token.subject', await tokenOf({ ...alice, sub: 'mallory' })],
      ['access.denied', await tokenOf({ ...alice, subscribe: ['shared'] })],
    ]
    for (const [code, token] of tokens) {
      const before = socket.messages.length
      socket.send({ token })
      const { data } = await socket.message('error', (message) => socket.messages.indexOf(message) >= before)
      expect(data.code).toBe(code)
    }
    await expectAlive(socket, 'alice.x')
  })

  test('must cover what the client follows now, and not what it did at first', async () => {
    using socket = await open(['alice.x'])
    socket.send({ subscribe: ['shared'], unsubscribe: ['alice.x'] })
    socket.send({ token: await tokenOf({ ...alice, subscribe: ['shared'] }) })
    await socket.message('renewed')
    await expectAlive(socket, 'shared')
  })
})

test('a session that is renewed ends a WebSocket whose present channels it does not cover', async () => {
  const begin = async (claims: TestClaims, cookie?: string) => {
    const response = await fetch(`${instance.url}/session`, {
      method: 'POST',
      headers: { ...(await bearer(claims)), origin: instance.url, ...(cookie && { cookie }) },
    })
    expect(response.status).toBe(200)
    return response.headers.get('set-cookie')?.split(';')[0] ?? ''
  }
  const cookie = await begin(alice)
  using moved = await openSocketReader(instance.url, ['alice.x'], {}, { cookie, origin: instance.url })
  using stayed = await openSocketReader(instance.url, ['shared'], {}, { cookie, origin: instance.url })
  moved.send({ subscribe: ['shared'], unsubscribe: ['alice.x'] })
  stayed.send({ subscribe: ['alice.y'] })
  await moved.message('subscribed')
  await stayed.message('subscribed')
  await begin({ ...alice, subscribe: ['shared'] }, cookie)
  expect(await stayed.closed).toEqual(closeOf('revoked'))
  await expectAlive(moved, 'shared')
})
