// What readers get who ask for what they may read, or for nothing: by the stream and by both kinds of history.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { escapeToken } from '../../protocol/token.ts'
import { type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { asQuery, channelsRead, expectReadRefused, type Refusal } from '../../testing/readers.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const ALICE: TestClaims = { sub: 'alice' }
const SECRET = 's3cret-of-bob'

/** What alice may read by default, and what resembles it. */
const OWN = [
  'orders.alice.1',
  'orders.alice.1.2',
  'orders.alice.＞',
  'tasks.alice.9',
  'notifications.alice',
  'broadcast',
]
const FOREIGN = [
  'orders.bob.1',
  'orders.alice',
  'orders.Alice.1',
  'ORDERS.alice.1',
  'orders.alic\u0435.1',
  'orders.alice\u200b.1',
  'orders.ａlice.1',
  'orders.alicex.1',
  'orders.alic.1',
  'orders.alice%2E1.1',
  'orders%2Ealice.1',
  'orders．alice.1',
  'orders.＊',
  'ordersx.alice.1',
  'x.orders.alice.1',
  'notifications.alice.1',
  'notifications.bob',
  'broadcast.1',
  'orders.zo\u00e9.1',
  'orders.zoe\u0301.1',
]

let server: GuardedServer
let cursors: string[]
beforeAll(async () => {
  server = await startGuarded({ JWT_SECRET: TOKEN_SECRET }, await tokenOf(OPERATOR))
  const events = [...FOREIGN, ...OWN].map((channel) => ({
    channel,
    type: 't',
    data: OWN.includes(channel) ? 1 : SECRET,
  }))
  await publish(server.url, events, await bearer(OPERATOR))
  await using all = await openStream(server.url, ['>'], { ...(await bearer(OPERATOR)), 'last-event-id': 'earliest' })
  await all.until((reader) => reader.events.some(({ channel }) => channel === 'broadcast'))
  cursors = all.frames.flatMap(({ id }) => id ?? [])
  await server.forget()
}, 60_000)
afterEach(() => server.expectUntouched())
afterAll(async () => {
  server.expectNotLogged([SECRET, TOKEN_SECRET])
  await server[Symbol.asyncDispose]()
})

/** A refusal of a channel that the grant does not cover. */
const denied = (channel: string) => ({ status: 403, code: 'access.denied', channel, secrets: [SECRET] })
const expectRefused = (claims: TestClaims, query: string, expected: Refusal) =>
  expectReadRefused(server.url, claims, query, expected)

test('what is accepted gives the granted channels and no others', async () => {
  const only = (...channels: string[]) => Array(3).fill(channels)
  expect(await channelsRead(server.url, ALICE, '')).toEqual([OWN, OWN])
  expect(
    await channelsRead(
      server.url,
      ALICE,
      asQuery('orders.alice.>', 'tasks.alice.*', 'notifications.alice', 'broadcast'),
    ),
  ).toEqual(only(...OWN))
  expect(await channelsRead(server.url, ALICE, asQuery('orders.alice.*'))).toEqual(
    only('orders.alice.1', 'orders.alice.＞'),
  )
  expect(await channelsRead(server.url, ALICE, asQuery('orders.alice.＞'))).toEqual(only('orders.alice.＞'))
  expect(await channelsRead(server.url, { sub: 'zo\u00e9' }, '')).toEqual([
    ['orders.zo\u00e9.1', 'broadcast'],
    ['orders.zo\u00e9.1', 'broadcast'],
  ])
  expect(await channelsRead(server.url, { sub: 'eve', subscribe: [] }, '')).toEqual([[], []])
  expect((await channelsRead(server.url, OPERATOR, asQuery('>')))[2]).toEqual([...FOREIGN, ...OWN])
})

test('a cursor of an event that may not be read, or of none, gives no event that may not be read', async () => {
  const headers = await bearer(ALICE)
  expect(cursors.length).toBeGreaterThan(FOREIGN.length)
  for (const id of [...cursors.slice(0, 5), 'earliest', '0', '1', '0-x', '-1', '9007199254740991']) {
    for (const stream of [
      await openStream(server.url, ['orders.alice.>'], { ...headers, 'last-event-id': id }),
      await openStream(`${server.url}/events?channel=orders.alice.>&lastEventId=${id}`, [], headers),
    ]) {
      await publish(server.url, [{ channel: 'orders.alice.1', type: 'fence' }], await bearer(OPERATOR))
      await stream.until(({ frames }) => frames.some(({ event }) => event === 'fence'))
      await stream.close()
      expect(stream.events.filter(({ channel }) => !OWN.includes(channel))).toEqual([])
      expect(JSON.stringify(stream.frames)).not.toContain(SECRET)
    }
  }
  await server.forget()
})

describe('the subject of a token', () => {
  test.each([
    'bob.1',
    'bob.>',
    '*',
    '>',
    '*.bob',
    '{sub}',
    '%2E',
    'bob%2E1',
    'bob%',
    'b%6Fb',
    'alice bob',
    'BOB',
    'bob\u200b',
    '\u202ebob',
    'ｂob',
    'bob\n',
    'bob\u00a0',
    'sse',
    '__proto__',
  ])('becomes one token, which matches no other user: %j', async (sub) => {
    const claims = { sub }
    await expectRefused(claims, asQuery('orders.bob.>'), denied('orders.bob.>'))
    await expectRefused(claims, asQuery('orders.*.>'), denied('orders.*.>'))
    expect(await channelsRead(server.url, claims, '')).toEqual([['broadcast'], ['broadcast']])
    expect(await channelsRead(server.url, claims, asQuery(`orders.${escapeToken(sub)}.>`))).toEqual([[], [], []])
  })

  test.each(['>', '*', 'bob', 'orders.bob.1', 'sse.access', 'orders.>'])(
    'alone as a pattern is one token, whatever it says: %j',
    async (sub) => {
      const claims = { sub, subscribe: ['{sub}'], publish: ['{sub}'] }
      expect(await channelsRead(server.url, claims, '')).toEqual([[], []])
      await expectRefused(claims, asQuery('>'), denied('>'))
      await expectRefused(claims, asQuery('orders.bob.1'), denied('orders.bob.1'))
    },
  )
})
