import { describe, expect, test } from 'bun:test'
import { authorizeAnonymous } from '../auth/authorize.ts'
import type { Bodies } from '../http/body.ts'
import type { Incoming } from '../http/client-address.ts'
import { readPublication } from './publish/read-publication.ts'
import {
  parseCursor,
  representation,
  requestedCursor,
  requestedData,
  requestedLimit,
  requestedNaming,
  requestedPatterns,
  requestedTime,
  requestedTypes,
} from './request.ts'

const query = (text: string) => new URLSearchParams(text)
const request = (headers: Record<string, string> = {}) => new Request('http://localhost/events', { headers })
const withCode = (code: string, more: object = {}) => expect.objectContaining({ code, ...more })

describe('the representation of /events', () => {
  test.each([
    [undefined, 'stream'],
    ['*/*', 'stream'],
    ['text/event-stream', 'stream'],
    ['application/json', 'history'],
    ['text/event-stream, application/json', 'stream'],
    ['application/json, text/event-stream', 'stream'],
    ['application/json;q=0.9, text/event-stream;q=0.8', 'history'],
    ['application/json, */*', 'history'],
    ['application/*;q=0.5, text/event-stream;q=0.4', 'history'],
    ['application/json;charset=utf-8', 'history'],
    ['application/json; charset=utf-8; q=0.1, text/event-stream; q=0.2', 'stream'],
    ['text/html', undefined],
    ['application/json;q=0', undefined],
  ] as const)('for Accept: %s is %s', (accept, wanted) => {
    expect(representation(request(accept === undefined ? {} : { accept }))).toBe(wanted)
  })
})

describe('the channels of a request', () => {
  test('are its parameters, and the broadcast without any', () => {
    expect(requestedPatterns(query('channel=a.*&channel=b.>'))).toEqual(['a.*', 'b.>'])
    expect(requestedPatterns(query(''))).toEqual(['broadcast'])
  })

  test('are 64 at most, each of them valid', () => {
    const many = (count: number) => query(Array.from({ length: count }, (_, index) => `channel=c${index}`).join('&'))
    expect(requestedPatterns(many(64))).toHaveLength(64)
    expect(() => requestedPatterns(many(65))).toThrow(withCode('channel.too_many'))
    expect(() => requestedPatterns(query('channel=a..b'))).toThrow(withCode('channel.invalid'))
  })
})

test('events carry their type unless named=false, and no other value is taken', () => {
  expect(['', 'named=true', 'named=false'].map((text) => requestedNaming(query(text)))).toEqual([true, true, false])
  for (const value of ['', '1', 'no'])
    expect(() => requestedNaming(query(`named=${value}`))).toThrow(withCode('named.invalid'))
})

test('the data of events is an envelope unless data=raw, and no other value is taken', () => {
  expect(['', 'data=envelope', 'data=raw'].map((text) => requestedData(query(text)))).toEqual([
    'envelope',
    'envelope',
    'raw',
  ])
  for (const value of ['', 'RAW', 'json'])
    expect(() => requestedData(query(`data=${value}`))).toThrow(withCode('data.invalid'))
})

describe('the cursor of a stream', () => {
  const cursorOf = (header: string | undefined, text = '') =>
    requestedCursor(request(header === undefined ? {} : { 'last-event-id': header }), query(text))

  test('is the header of a reconnecting browser before the parameter of its first request', () => {
    expect(cursorOf('7', 'lastEventId=5')).toEqual(cursorOf('7'))
    expect(cursorOf(undefined, 'lastEventId=5')).toEqual(cursorOf('5'))
    expect(cursorOf('', 'lastEventId=5')).toEqual(cursorOf('5'))
    expect(cursorOf('5')).not.toEqual(cursorOf('7'))
  })

  test('is the head without an id, and the oldest event for "earliest"', () => {
    expect([cursorOf(undefined), cursorOf(undefined, 'lastEventId='), cursorOf('earliest')]).toEqual([
      undefined,
      undefined,
      'earliest',
    ])
  })

  test.each(['abc', '-1', '1.5', ' ', '9007199254740993', '1e3'])('%p is an id that no server has given', (id) => {
    expect(cursorOf(undefined, `lastEventId=${encodeURIComponent(id)}`)).toBe('unknown')
    expect(() => parseCursor(id)).toThrow(withCode('cursor.invalid'))
  })

  test('of a page of history is read as that of a stream', () => {
    for (const id of ['0', '7', 'earliest']) expect<unknown>(parseCursor(id)).toEqual(cursorOf(id))
    expect(parseCursor(undefined)).toBeUndefined()
  })
})

test('the limit of a page is 1 to 1000, and 100 by default', () => {
  expect(['', 'limit=1', 'limit=1000'].map((text) => requestedLimit(query(text)))).toEqual([100, 1, 1000])
  for (const value of ['0', '1001', '1.5', '-1', '', 'x', '1e2'])
    expect(() => requestedLimit(query(`limit=${value}`))).toThrow(withCode('limit.invalid'))
})

test('the types of a page are all by default, and 64 at most', () => {
  expect(requestedTypes(query(''))).toBeUndefined()
  expect(requestedTypes(query('type=a&type=b'))).toEqual(['a', 'b'])
  const many = (count: number) => query(Array.from({ length: count }, (_, index) => `type=t${index}`).join('&'))
  expect(requestedTypes(many(64))).toHaveLength(64)
  expect(() => requestedTypes(many(65))).toThrow(withCode('type.too_many'))
  expect(() => requestedTypes(query('type='))).toThrow(withCode('type.invalid'))
})

test('a time is one of RFC 3339, and nothing else that a Date would read', () => {
  expect(requestedTime(query(''), 'since')).toBeUndefined()
  expect(requestedTime(query('since=2026-11-21T10:00:00Z&until=x'), 'since')).toEqual(
    new Date(Date.UTC(2026, 10, 21, 10)),
  )
  for (const value of ['2026', '2026-11-21', '1', '2026-11-21T25:00:00Z', 'x2026-11-21T10:00:00Z', ''])
    expect(() => requestedTime(query(`since=${value}`), 'since')).toThrow(withCode('time.invalid'))
})

describe('a publication', () => {
  const publication = async (body: unknown, headers: Record<string, string> = {}) => {
    const bytes = Buffer.from(JSON.stringify(body))
    const bodies = { readJson: async (_: Incoming, __: number, parse: (bytes: Uint8Array) => unknown) => parse(bytes) }
    const options = { bodies: bodies as unknown as Bodies, maxEventBytes: 10, maxRequestBytes: 1000 }
    const incoming = { request: request(headers), server: null }
    return readPublication(incoming, await authorizeAnonymous(incoming.request), options)
  }
  const event = { channel: 'a', type: 't' }
  const parsed = { channel: 'a', type: 't', data: 'null', key: null, origin: null }

  test('is one event or a batch, with what the headers say of it', async () => {
    expect(await publication(event)).toEqual({ events: [parsed], isBatch: false })
    expect(await publication([event, event])).toEqual({ events: [parsed, parsed], isBatch: true })
    const headers = { 'x-client-id': 'page', 'idempotency-key': 'k' }
    expect((await publication(event, headers)).events).toEqual([{ ...parsed, key: 'k', origin: 'page' }])
  })

  test('of a batch with a key gives each event a key of its own, unless it has one', async () => {
    const { events } = await publication([event, { ...event, key: 'own' }, event], { 'idempotency-key': 'k' })
    const keys = events.map(({ key }) => key)
    expect(keys[1]).toBe('own')
    expect(new Set(keys).size).toBe(3)
    expect(keys[0]).toStartWith('k')
  })

  test('of one event takes the key within it before that of the header', async () => {
    const { events } = await publication({ ...event, key: 'own' }, { 'idempotency-key': 'k' })
    expect(events[0]?.key).toBe('own')
  })

  test('without an event, or with a bad one, is refused as a whole, with the index of the event', async () => {
    await expect(publication([])).rejects.toThrow(withCode('batch.empty'))
    const bad = () => publication([event, { ...event, channel: 'a b' }])
    await expect(bad()).rejects.toThrow(withCode('channel.invalid', { extensions: { event: 1 } }))
    await expect(bad()).rejects.toThrow('Nothing was published')
    await expect(publication([{ ...event, data: 'x'.repeat(20) }])).rejects.toThrow(
      withCode('data.too_large', { status: 413, extensions: { event: 0 } }),
    )
  })
})
