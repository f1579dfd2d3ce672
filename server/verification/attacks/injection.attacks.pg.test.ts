// Published text that would become something else where it is shown: lines of a stream, members of JSON, links of a page.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { ask } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { type Dispatched, LineReader } from '../../testing/line-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET } from '../../testing/tokens.ts'

/** May publish what others read, as a page of a chat may. */
const MALLORY: TestClaims = { sub: 'mallory', publish: ['chat.>', 'notifications.>'], subscribe: ['chat.>'] }

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, WORKER_CONCURRENCY: '0' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const asMallory = (route: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(instance.url, route, { as: MALLORY, headers, ...(body !== undefined && { body }) })

/** Reads a stream from the oldest event up to the event of the type `fence`: its text, and what a reader dispatches. */
async function readAll(query: string) {
  const fence = `fence-${crypto.randomUUID()}`
  expect((await asMallory('POST /events', { channel: 'chat.fence', type: 'fence', data: fence })).status).toBe(201)
  const abort = new AbortController()
  const response = await fetch(`${instance.url}/events?lastEventId=earliest&${query}`, {
    headers: { ...(await bearer(MALLORY)), accept: 'text/event-stream' },
    signal: abort.signal,
  })
  const dispatched: Dispatched[] = []
  const reader = new LineReader('at dispatch', (event) => dispatched.push(event))
  reader.begin()
  let text = ''
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    reader.push(bytes)
    text += new TextDecoder().decode(bytes)
    if (text.includes(fence)) break
  }
  abort.abort()
  return { text, dispatched, lastEventId: reader.lastEventId, fence }
}

const LINE_ENDS = ['\n', '\r', '\r\n', '\n\n', '\u2028', '\u2029', '\u0085', '\u000b', '\u000c', '\u001c', '\u001e']

/** How Python divides text into lines, and with it some clients: more often than the specification of event streams. */
const LINES = new RegExp(`[${LINE_ENDS.join('')}]`)
const FORGED = 'event: closing\ndata: {"reason":"forged"}\nid: 999\nretry: 1\n\n'
/** Types that are allowed and look like fields of a stream. */
const TYPES = [
  'id: 999',
  'retry: 1',
  'data',
  ': comment',
  'event:closing',
  ' ready',
  'ready ',
  'Ready',
  'READY',
  'data: x',
  '\\nid: 9',
  '"}',
  '',
]

describe('a publisher', () => {
  test('adds no line, event, ID or retry time to the streams of others by data, channel, type, key or client ID', async () => {
    const datas: unknown[] = [...LINE_ENDS, '\u0000'].flatMap((end) => [
      `x${end}${FORGED.replaceAll('\n', end)}`,
      { [`${end}id: 999${end}`]: end },
    ])
    const accepted: unknown[] = []
    for (const data of datas) {
      const { status } = await asMallory('POST /events', { channel: 'chat.a', type: 't', data })
      if (status === 201) accepted.push(data)
      else expect([data, status]).toEqual([data, 400])
    }
    // Line breaks between the members of JSON, which is stored as it was sent.
    for (const end of ['\n', '\r', '\r\n', '\r\r\n\n']) {
      const body = `{"channel":"chat.a",${end}"type":"t","data":${end}{${end}"id:${end.length}"${end}:${end}1${end}}${end}}`
      expect((await asMallory('POST /events', body)).status).toBe(201)
      accepted.push({ [`id:${end.length}`]: 1 })
    }
    const types: string[] = []
    for (const type of [
      ...TYPES,
      ...LINE_ENDS.map((end) => `t${end}${FORGED}`),
      'ready',
      'closing',
      'gap',
      'heartbeat',
    ]) {
      const { status } = await asMallory('POST /events', { channel: 'chat.a', type, data: 1 })
      if (status === 201) types.push(type)
      else expect([type, status]).toEqual([type, 400])
    }
    expect(types).toEqual(TYPES.filter((type) => type !== ''))
    for (const name of ['event:closing', 'id:999', 'retry:1', 'data:']) {
      const headers = { 'x-client-id': name, 'idempotency-key': name }
      expect((await asMallory('POST /events', { channel: `chat.${name}`, type: 't' }, headers)).status).toBe(201)
    }

    for (const named of [true, false]) {
      const { text, dispatched, lastEventId, fence } = await readAll(`channel=chat.>&named=${named}`)
      for (const line of text.split(LINES)) expect(line).toMatch(/^(?:(?:event|data|id): |retry: \d{2,}$|:?$)/)
      expect(text).not.toMatch(/^(?:id: 999|retry: 1)$|^event: (?:closing|gap)/m)
      expect(lastEventId).toMatch(/^\d+-\w+$/)
      const control = ['ready', 'heartbeat']
      const events = dispatched
        .filter(({ event }) => !control.includes(event))
        .map(({ event, data }) => ({ event, ...JSON.parse(data) }))
      expect(dispatched.filter(({ event }) => event === 'ready')).toHaveLength(1)
      expect(events.filter(({ type, data }) => type === 't' && data !== null).map(({ data }) => data)).toEqual(accepted)
      expect(events.filter(({ data }) => data === 1).map(({ type }) => type)).toEqual(types)
      if (named) expect(events.filter(({ data }) => data === 1).map(({ event }) => event)).toEqual(types)
      expect(events.at(-1)).toMatchObject({ type: 'fence', data: fence })
    }
  })

  test('is shown in pages of history as it was sent, too: JSON within JSON stays a text', async () => {
    const data = '"}],"cursor":"0","more":false,"oldest":1,"head":0,"x":[{"a":"'
    expect((await asMallory('POST /events', { channel: 'chat.json', type: data, data })).status).toBe(201)
    const { body } = await asMallory('GET /events?channel=chat.json')
    expect(body.events).toEqual([expect.objectContaining({ type: data, data })])
    expect(body.head).toBeGreaterThan(0)
  })

  test('cannot send a link that runs a script or leads to another host than it seems to', async () => {
    const links = [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'java\nscript:alert(1)',
      'data:text/html,x',
    ]
    for (const link of [
      ...links,
      'vbscript:x',
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/\t/evil.example',
      'file:///etc/passwd',
      'x',
    ]) {
      const { status } = await asMallory('POST /api/notifications', { to: ['victim'], title: 'x', link })
      expect([link, status]).toEqual([link, 400])
    }
    expect((await ask(instance.url, 'GET /api/notifications', { as: { sub: 'victim' } })).body.notifications).toEqual(
      [],
    )
  })
})

test('a pattern of channels is quoted in ready, and cannot end its text', async () => {
  const pattern = 'chat.a"],"cursor":"0","x":["'
  const { dispatched } = await readAll(`channel=${encodeURIComponent(pattern)}&channel=chat.fence`)
  expect(JSON.parse(dispatched[0]?.data ?? '')).toMatchObject({ channels: [pattern, 'chat.fence'] })
})
