// The events of one signed-in person, and what another one can do to the streams that carry them.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { ask, type Question } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET } from '../../testing/tokens.ts'

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const VICTIM: TestClaims = { sub: 'victim' }
const MALLORY: TestClaims = { sub: 'mallory' }
/** Is in every event of the victim. */
const SECRET = 'a-secret-of-the-victim'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  // Repeated refusals from one address are delayed: each request says another one.
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, TRUSTED_PROXIES: '127.0.0.1' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

let requests = 0
const asMallory = (route: string, { headers, ...question }: Question = {}) => {
  const address = `10.0.${requests >> 8}.${requests++ & 255}`
  return ask(instance.url, route, { as: MALLORY, ...question, headers: { 'x-forwarded-for': address, ...headers } })
}

describe("another person's events", () => {
  const CHANNELS = ['orders.victim.1', 'tasks.victim.1', 'notifications.victim']
  let positions: number[]
  beforeAll(async () => {
    const events = CHANNELS.map((channel) => ({ channel, type: 'secret.type', data: SECRET }))
    positions = await publish(instance.url, events, await bearer(OPERATOR))
  })

  test('are on no page of history, in either direction, from any cursor, of any type or time', async () => {
    const [first = 0, , last = 0] = positions
    const cursor = (await ask(instance.url, 'GET /api/orders', { as: VICTIM })).body.cursor as string
    const queries = [
      ...['', 'earliest', '0', first - 1, first, cursor].map((after) => `?limit=1000&after=${after}`),
      ...['latest', last + 1, last, cursor].map((before) => `?limit=1000&before=${before}`),
      '?before=latest&type=secret.type',
      '?before=latest&type=secret.type&type=order.paid&since=2000-01-01T00:00:00Z',
      '?before=latest&since=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z',
    ].map((query) => query.replace('&after=&', '&').replace(/&after=$/, ''))
    for (const query of queries) {
      const own = await asMallory(`GET /events${query}`)
      expect([own.status, own.body.events], query).toEqual([200, []])
      expect(own.text, query).not.toContain('victim')
      // The operator finds them, so there is something to hide.
      const all = await ask(instance.url, `GET /events${query}`, { as: OPERATOR })
      expect(all.status, query).toBe(200)
    }
    expect((await ask(instance.url, 'GET /events?after=0', { as: OPERATOR })).text).toContain(SECRET)
  })

  test('are refused by every pattern that could reach them, on streams and pages, beside an own one or alone', async () => {
    const patterns = [
      ...CHANNELS,
      ...[
        '>',
        '*',
        '*.>',
        '*.*',
        '*.*.*',
        'orders.>',
        'orders.*',
        'orders.*.>',
        'orders.*.1',
        '*.victim.>',
        '*.victim.1',
      ],
      ...[
        'orders.victim.>',
        'orders.victim.*',
        'orders.victim',
        'notifications.*',
        'notifications.>',
        'sse.>',
        'sse.access',
      ],
      ...['Orders.victim.1', 'orders.VICTIM.1', 'orders.%76ictim.1', 'orders.{sub}.1'],
    ]
    for (const pattern of patterns) {
      for (const more of ['', '&channel=orders.mallory.>']) {
        for (const [accept, rest] of [
          ['text/event-stream', '&lastEventId=earliest'],
          ['application/json', '&after=0'],
          ['application/json', '&before=latest&type=secret.type'],
        ] as const) {
          for (const method of ['GET', 'HEAD']) {
            const route = `${method} /events?channel=${encodeURIComponent(pattern)}${more}${rest}`
            const { status, text } = await asMallory(route, { headers: { accept } })
            expect(status, route).toBe(403)
            expect(text, route).not.toContain(SECRET)
          }
        }
      }
    }
  })

  test('do not arrive on a stream that resumes from their cursor', async () => {
    const [first = 0] = positions
    const epoch = (await asMallory('GET /api/orders')).body.cursor.split('-')[1]
    for (const cursor of ['earliest', '0', String(first - 1), `${first - 1}-${epoch}`]) {
      const headers = { ...(await bearer(MALLORY)), 'last-event-id': cursor }
      await using stream = await openStream(instance.url, ['orders.mallory.>', 'notifications.mallory'], headers)
      await publish(
        instance.url,
        [{ channel: 'notifications.mallory', type: 't', data: 'fence' }],
        await bearer(OPERATOR),
      )
      await stream.untilEvents(1)
      await stream.until(({ events }) => events.some(({ data }) => data === 'fence'))
      expect(stream.events.every(({ channel }) => channel === 'notifications.mallory')).toBe(true)
      expect(JSON.stringify(stream.frames)).not.toContain(SECRET)
    }
  })
})

describe('the client ID of another person', () => {
  /** Victim, attacker, and the client ID by which the attacker tries to name the victim's page. */
  const PAIRS: [victim: string, page: string, attacker: string, guess: string][] = [
    ['v1', 'page', 'm1', 'page'],
    ['v2', 'page', 'm2', 'v2:page'],
    ['v3', 'page', 'm3', 'v3.page'],
    ['team:a', 'page', 'team', 'a:page'],
    ['team.a', 'page', 'team', 'a.page'],
    ['team', 'a:page', 'team:a', 'page'],
    ['team', 'a.page', 'team.a', 'page'],
    ['v8', 'page', 'V8', 'page'],
  ]
  const grant = (sub: string): TestClaims => ({ sub, subscribe: ['chat.room'], publish: ['chat.room'] })
  const follow = async (sub: string, clientId: string) =>
    openStream(
      `${instance.url}/events?channel=chat.room&clientId=${encodeURIComponent(clientId)}`,
      [],
      await bearer(grant(sub)),
    )

  test.each(PAIRS)(
    '(%s, page %s; %s as %s) replaces no stream and hides no event',
    async (victim, page, attacker, guess) => {
      await using stream = await follow(victim, page)
      await using other = await follow(attacker, guess)
      const data = crypto.randomUUID()
      const headers = { ...(await bearer(grant(attacker))), 'x-client-id': guess }
      await publish(instance.url, [{ channel: 'chat.room', type: 't', data }], headers)
      await stream.until(({ events }) => events.some((event) => event.data === data))
      expect(stream.frames.map(({ event }) => event)).not.toContain('closing')
      // It is the page of the attacker that the event is left out of, so the ID has its meaning.
      await publish(instance.url, [{ channel: 'chat.room', type: 't', data: 'fence' }], await bearer(OPERATOR))
      await other.until(({ events }) => events.some((event) => event.data === 'fence'))
      expect(other.events.map((event) => event.data)).not.toContain(data)
    },
  )
})

describe('the idempotency key of another person', () => {
  const KEY = { 'idempotency-key': 'k-1' }

  test('in a channel that one may not publish to, is refused like one that was never used', async () => {
    const body = { channel: 'chat.victim', type: 't', data: SECRET }
    const victim = { ...VICTIM, publish: ['chat.{sub}'] }
    const first = await ask(instance.url, 'POST /events', { as: victim, body, headers: KEY })
    expect(first.status).toBe(201)
    const mallory = { ...MALLORY, publish: ['chat.{sub}'] }
    const answers = []
    for (const [data, key] of [
      [SECRET, 'k-1'],
      ['other', 'k-1'],
      [SECRET, 'k-2'],
    ]) {
      const { status, text } = await asMallory('POST /events', { as: mallory, body: { ...body, data, key } })
      answers.push({ status, text })
    }
    expect(answers[0]).toMatchObject({ status: 403 })
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]?.text).not.toContain(`"position"`)
    // In a channel of one's own it is a key like any other.
    const own = await asMallory('POST /events', {
      as: mallory,
      body: { ...body, channel: 'chat.mallory' },
      headers: KEY,
    })
    expect(own.body.position).toBeGreaterThan(first.body.position)
  })
})
