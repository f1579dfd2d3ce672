// Readers who ask for channels of others: by the stream and by both kinds of history.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { asQuery, channelsRead, expectReadRefused, type Refusal } from '../../testing/readers.ts'
import { publish } from '../../testing/stream-reader.ts'
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
beforeAll(async () => {
  server = await startGuarded({ JWT_SECRET: TOKEN_SECRET }, await tokenOf(OPERATOR))
  const events = [...FOREIGN, ...OWN].map((channel) => ({
    channel,
    type: 't',
    data: OWN.includes(channel) ? 1 : SECRET,
  }))
  await publish(server.url, events, await bearer(OPERATOR))
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

describe('a reader of orders.alice.> may not read', () => {
  test.each([
    '>',
    '*',
    '*.>',
    '*.*.*',
    'orders.>',
    'orders.*',
    'orders.*.>',
    'orders.*.*',
    'orders.*.1',
    '*.alice.>',
    '*.alice.1',
    'orders.alice',
    'tasks.*.9',
    'notifications.*',
    'notifications.alice.>',
    'broadcast.>',
    ...FOREIGN,
  ])('%p', async (pattern) => {
    await expectRefused(ALICE, asQuery(pattern), denied(pattern))
    await expectRefused(ALICE, asQuery('orders.alice.>', pattern), denied(pattern))
  })

  test.each([
    ['orders.*', 'orders.>'],
    ['orders.*', 'orders.*.*'],
    ['orders.alice.*', 'orders.alice.>'],
    ['orders.alice.*', 'orders.alice.*.>'],
    ['orders.*.1', 'orders.*.*'],
    ['*.alice.1', 'orders.*.1'],
    ['a.>', 'a'],
    ['*', '>'],
    ['*.>', '>'],
  ])('with a grant of %p: %p', async (granted, pattern) => {
    await expectRefused({ sub: 'eve', subscribe: [granted] }, asQuery(pattern), denied(pattern))
  })

  test('what only several of the granted patterns together cover', async () => {
    const claims = { sub: 'eve', subscribe: ['orders.alice', 'orders.alice.>', 'orders.*.1'] }
    await expectRefused(claims, asQuery('orders.>'), denied('orders.>'))
  })
})

test.each([
  '',
  '.',
  '..',
  'orders..alice',
  'orders.alice.',
  '.orders.alice',
  'orders.alice..1',
  'orders.>.alice',
  '>.alice',
  'orders.alice>',
  'orders.a*',
  'orders.**',
  'orders.alice.>>',
  'orders.alice.> ',
  ' orders.alice.>',
  'orders.alice\u0000.1',
  'orders.alice\n.1',
  'orders.alice\u202e.1',
  'orders.alice.1\r\nx: y',
  'orders.alice.>,orders.bob.>',
  'orders.alice.1, orders.bob.1',
  `orders.alice.${'x'.repeat(243)}`,
  `orders.alice.${'1.'.repeat(14)}1`,
])('a pattern that is not valid is refused whoever asks: %j', async (pattern) => {
  await expectRefused(ALICE, asQuery(pattern), { status: 400, code: 'channel.invalid' })
  await expectRefused(OPERATOR, asQuery('a', pattern), { status: 400, code: 'channel.invalid' })
})

describe('an address', () => {
  test.each([
    ['channel=orders.alice.%3E&channel=orders%2Ebob%2E%3E', 403, 'access.denied', 'orders.bob.>'],
    ['channel=orders.%62ob.1', 403, 'access.denied', 'orders.bob.1'],
    ['channel=orders%252Ebob.1', 403, 'access.denied', 'orders%2Ebob.1'],
    ['channel=orders.%2562ob.1', 403, 'access.denied', 'orders.%62ob.1'],
    ['channel=orders.%EF%BD%82ob.1', 403, 'access.denied', 'orders.ｂob.1'],
    ['channel=orders.%C0%AEalice.1', 403, 'access.denied', 'orders.\ufffd\ufffdalice.1'],
    ['channel=orders.alice.1%00', 400, 'channel.invalid', undefined],
    ['channel=orders+alice', 400, 'channel.invalid', undefined],
    ['channel', 400, 'channel.invalid', undefined],
    ['channels=orders.bob.1', 400, 'parameter.unknown', undefined],
    ['channel[]=orders.bob.1', 400, 'parameter.unknown', undefined],
    ['Channel=orders.bob.1', 400, 'parameter.unknown', undefined],
    ['channel%00=orders.bob.1', 400, 'parameter.unknown', undefined],
    ['subscribe=>', 400, 'parameter.unknown', undefined],
    [asQuery(...Array(65).fill('orders.alice.1')), 400, 'channel.too_many', undefined],
  ] as const)(
    'is decoded once, and only its parameter channel names channels: %p',
    async (query, status, code, channel) => {
      await expectRefused(ALICE, query, { status, code, channel, secrets: [SECRET] })
    },
  )

  test.each([
    'channel=orders.alice.1,orders.bob.1',
    'channel=orders.alice.1;channel=orders.bob.1',
    'channel=orders.alice.1%26channel=orders.bob.1',
    'channel=orders.alice.1%23&channel=orders.alice.1%3Fchannel=orders.bob.1',
  ])('holds one channel where another program would see two: %p', async (query) => {
    expect(await channelsRead(server.url, ALICE, query)).toEqual([[], [], []])
  })
})
