// The channels of the server itself, whose events end sessions and renew their rights.

import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { createKey } from '../../auth/key-ring.ts'
import { type Door, knock } from '../../testing/doors.ts'
import { type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const key = createKey()
const KEY_HEADER = { authorization: `Bearer ${key}` }

let server: GuardedServer
beforeAll(async () => {
  const PUBLISH_KEYS = JSON.stringify([{ name: 'all', key, publish: ['>'], subscribe: ['>'] }])
  server = await startGuarded({ JWT_SECRET: TOKEN_SECRET, PUBLISH_KEYS }, await tokenOf(OPERATOR))
}, 60_000)
afterEach(() => server.expectUntouched())
afterAll(async () => {
  server.expectNotLogged([TOKEN_SECRET, key])
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

const reading = (channel: string): Door[] =>
  ['text/event-stream', 'application/json'].map((accept) => ({
    route: `GET /events?${new URLSearchParams({ channel })}`,
    headers: { accept },
  }))

const grants: TestClaims[] = [
  { sub: 'eve', subscribe: ['sse.>', 'sse.access', 'sse', '>'], publish: ['sse.>', 'sse.access', 'sse', '>'] },
  { sub: 'sse', subscribe: ['{sub}.>', '{sub}.access', '{sub}'], publish: ['{sub}.>', '{sub}.access', '{sub}'] },
  { sub: 'eve', role: 'operator', subscribe: ['sse.>', 'sse.access', 'sse', 'sse.*'], publish: ['sse.>', '>'] },
]
test.each(['sse.access', 'sse', 'sse.x.y'])(
  'a channel of the server can not be published to, whatever a token or key grants: %p',
  async (channel) => {
    const all = [...(await Promise.all([...grants, OPERATOR].map((claims) => bearer(claims)))), KEY_HEADER]
    for (const headers of all) {
      for (const body of [{ channel, type: 't' }, [{ channel, type: 't' }]]) {
        expect(await post(headers, body)).toMatchObject({ status: 403, code: 'channel.reserved', challenge: null })
      }
    }
  },
)

test.each(['sse.access', 'sse.>', 'sse.*', 'sse'])(
  'a channel of the server can not be read by name without the right to read everything as an operator: %p',
  async (channel) => {
    const all = [...(await Promise.all(grants.map((claims) => bearer(claims)))), KEY_HEADER]
    for (const headers of all) {
      for (const door of reading(channel)) {
        const answer = await knock(server.url, door, headers)
        expect(answer).toMatchObject({ status: 403, code: 'access.denied' })
        expect(JSON.parse(answer.text).channel).toBe(channel)
      }
    }
  },
)

test.each(['>', '*.access', '*.*', '*.>', '*'])(
  'a channel of the server is not among those of a pattern that begins with a wildcard: %p',
  async (pattern) => {
    const eve = await bearer({ sub: 'eve', subscribe: [pattern] })
    await using byUser = await openStream(server.url, [pattern], eve)
    await using byOperator = await openStream(server.url, [pattern], await bearer(OPERATOR))
    await using named = await openStream(server.url, ['sse.access'], await bearer(OPERATOR))
    await server.database.sql`select sse.revoke('token', 'nobody')`
    await named.untilEvents(1)
    const fence = pattern === '*' ? 'x' : 'x.access'
    await publish(server.url, [{ channel: fence, type: 'fence' }], await bearer(OPERATOR))
    for (const stream of [byUser, byOperator]) {
      await stream.until(({ frames }) => frames.some(({ event }) => event === 'fence'))
      expect(stream.events.filter(({ channel }) => channel.startsWith('sse'))).toEqual([])
    }
    for (const headers of [eve, await bearer(OPERATOR), KEY_HEADER]) {
      for (const path of ['/events?limit=1000', '/events?before=latest']) {
        const page = await fetch(server.url + path, { headers: { ...headers, accept: 'application/json' } })
        expect(JSON.stringify(((await page.json()) as { events: object }).events)).not.toContain('sse.access')
      }
    }
    await server.forget()
  },
)
