import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openStream, positionOf, publish } from '../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { MAX_EVENT_BYTES: '4096', MAX_REQUEST_BYTES: '100000' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const newChannel = () => `test.${crypto.randomUUID()}`
const get = (query = '', headers: Record<string, string> = {}) => fetch(`${instance.url}/events${query}`, { headers })
const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(`${instance.url}/events`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })

describe('the stream of GET /events', () => {
  test('has the headers that keep proxies from buffering it', async () => {
    await using reader = await openStream(instance.url, ['a'])
    expect(Object.fromEntries(reader.response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  test('begins with ready, whose id is the cursor', async () => {
    await using reader = await openStream(instance.url, ['a'])
    const [ready] = reader.frames
    const data = JSON.parse(ready?.data ?? '')
    expect(ready).toMatchObject({ event: 'ready', id: data.cursor })
    expect(data).toMatchObject({ channels: ['a'], resumed: false, heartbeat: 15_000, oldest: 1 })
  })

  test('follows the channel broadcast when no channel is given', async () => {
    await using reader = await openStream(instance.url)
    await publish(instance.url, [
      { channel: 'other', type: 't' },
      { channel: 'broadcast', type: 't' },
    ])
    await reader.untilEvents(1)
    expect(reader.events.map(({ channel }) => channel)).toEqual(['broadcast'])
  })

  test('follows several channels and patterns, and delivers an event that matches two of them once', async () => {
    const root = newChannel()
    await using reader = await openStream(instance.url, [`${root}.>`, `${root}.*.paid`, `${root}.x`])
    await publish(
      instance.url,
      [`${root}.a.paid`, `${root}.x`, root, `${root}.b`].map((channel) => ({ channel, type: 't' })),
    )
    await reader.untilEvents(3)
    expect(reader.events.map(({ channel }) => channel)).toEqual([`${root}.a.paid`, `${root}.x`, `${root}.b`])
  })

  test('resumes after lastEventId in the URL; a Last-Event-ID header takes precedence', async () => {
    const channel = newChannel()
    const [first = 0, second = 0] = await publish(
      instance.url,
      [1, 2, 3].map((data) => ({ channel, type: 't', data })),
    )
    const address = `${instance.url}/events?channel=${channel}&lastEventId=${first}`
    await using reloaded = await openStream(address)
    await reloaded.untilEvents(2)
    expect(reloaded.events.map(({ data }) => data)).toEqual([2, 3])
    await using reconnected = await openStream(address, [], { 'last-event-id': String(second) })
    await reconnected.untilEvents(1)
    expect(reconnected.events.map(({ data }) => data)).toEqual([3])
  })

  test('begins with the oldest event kept for "earliest"', async () => {
    const channel = newChannel()
    await publish(
      instance.url,
      [1, 2].map((data) => ({ channel, type: 't', data })),
    )
    await using reader = await openStream(`${instance.url}/events?channel=${channel}&lastEventId=earliest`)
    await reader.untilEvents(2)
    expect(reader.events.map(({ data }) => data)).toEqual([1, 2])
  })

  test('omits events that its own page published, live and after a reconnect', async () => {
    const channel = newChannel()
    const address = `${instance.url}/events?channel=${channel}&clientId=page-1`
    const [start] = await publish(instance.url, [{ channel, type: 'start' }])
    const reader = await openStream(address, [], { 'last-event-id': String(start) })
    await publish(instance.url, [{ channel, type: 'own' }], { 'x-client-id': 'page-1' })
    await publish(instance.url, [{ channel, type: 'foreign' }], { 'x-client-id': 'page-2' })
    await publish(instance.url, [{ channel, type: 'nobody' }])
    await reader.untilEvents(2)
    expect(reader.events.map(({ type }) => type)).toEqual(['foreign', 'nobody'])
    await reader.close()
    await using again = await openStream(address, [], { 'last-event-id': String(start) })
    await again.untilEvents(2)
    expect(again.events.map(({ type }) => type)).toEqual(['foreign', 'nobody'])
  })

  test('closes an open stream of the same client ID', async () => {
    const address = `${instance.url}/events?channel=${newChannel()}&clientId=same-page`
    await using first = await openStream(address)
    await using second = await openStream(address)
    await first.ended
    expect(second.frames[0]?.event).toBe('ready')
  })

  test('without event names delivers every type to onmessage', async () => {
    const channel = newChannel()
    await using reader = await openStream(`${instance.url}/events?channel=${channel}&named=false`)
    await publish(instance.url, [{ channel, type: 'order.paid' }])
    await reader.untilEvents(1)
    expect(reader.frames.at(-1)?.event).toBeUndefined()
    expect(reader.events[0]).toMatchObject({ type: 'order.paid' })
  })

  test('sends heartbeats in silence, which move the cursor past events of other channels', async () => {
    await using own = await startInstance(database.url, { HEARTBEAT_MS: '100' })
    await using reader = await openStream(own.url, [newChannel()])
    const [position] = await publish(own.url, [{ channel: 'elsewhere', type: 't' }])
    await reader.until(({ frames }) =>
      frames.some(({ event, id }) => event === 'heartbeat' && positionOf(id) >= Number(position)),
    )
    expect(reader.events).toEqual([])
  })

  test.each([
    ['?channel=a%20b', 'channel.invalid'],
    ['?channel=', 'channel.invalid'],
    ['?channel=a.>.b', 'channel.invalid'],
    [`?${Array.from({ length: 65 }, (_, index) => `channel=c${index}`).join('&')}`, 'channel.too_many'],
    ['?clientId=', 'client_id.invalid'],
    ['?named=maybe', 'named.invalid'],
  ])('refuses %s with %s', async (query, code) => {
    const response = await get(query)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toStartWith('application/problem+json')
    expect(await response.json()).toMatchObject({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code,
      detail: expect.any(String),
    })
  })

  test('refuses a media type that it does not offer', async () => {
    const response = await get('', { accept: 'text/html' })
    expect(response.status).toBe(406)
    expect(await response.json()).toMatchObject({ code: 'accept.unsupported' })
  })

  test.each([
    ['text/event-stream', 'text/event-stream'],
    ['*/*', 'text/event-stream'],
    ['text/event-stream, application/json;q=0.5', 'text/event-stream'],
    ['application/json', 'application/json'],
    ['application/json, */*;q=0.1', 'application/json'],
  ])('for Accept: %s has the type %s', async (accept, type) => {
    const response = await get('', { accept })
    expect(response.headers.get('content-type')).toStartWith(type)
    await response.body?.cancel()
  })
})

describe('the history of GET /events', () => {
  const page = async (query: string) =>
    (await get(query, { accept: 'application/json' })).json() as Promise<Record<string, never>>

  test('continues from page to page by the cursor', async () => {
    const channel = newChannel()
    const [first = 0] = await publish(
      instance.url,
      [1, 2, 3].map((data) => ({ channel, type: 't', data: { data } })),
    )
    const start = await page(`?after=${first - 1}&limit=2&channel=${channel}`)
    expect(start).toMatchObject({
      events: [
        { position: first, channel, type: 't', data: { data: 1 }, time: expect.any(String) },
        { position: first + 1, data: { data: 2 } },
      ],
      more: true,
    })
    expect(positionOf(start.cursor)).toBe(first + 1)
    const rest = await page(`?after=${start.cursor}&limit=2&channel=${channel}`)
    expect(rest).toMatchObject({
      events: [{ position: first + 2 }],
      cursor: expect.stringMatching(new RegExp(`^${first + 2}-`)),
      more: false,
      head: first + 2,
    })
  })

  test('refuses two directions at once', async () => {
    const response = await get('?after=1&before=latest', { accept: 'application/json' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'parameter.unknown',
      detail: expect.stringContaining('after and before exclude each other'),
    })
  })

  test('has the events of all channels when none is given', async () => {
    const channels = [newChannel(), newChannel()]
    const [first = 0] = await publish(
      instance.url,
      channels.map((channel) => ({ channel, type: 't' })),
    )
    expect(await page(`?after=${first - 1}`)).toMatchObject({ events: channels.map((channel) => ({ channel })) })
  })

  test('has a gap when the cursor is not of this log', async () => {
    const [position = 0] = await publish(instance.url, [{ channel: newChannel(), type: 't' }])
    expect(await page(`?after=${position + 10}`)).toMatchObject({
      gap: { from: position + 10, to: position, reason: 'unknown' },
      events: [],
      cursor: expect.stringMatching(new RegExp(`^${position}-`)),
      more: false,
    })
  })

  test.each(['0', '-1', '1001', 'x', '1.5'])('refuses the limit %s', async (limit) => {
    expect(await page(`?limit=${limit}`)).toMatchObject({ status: 400, code: 'limit.invalid' })
  })
})

describe('POST /events', () => {
  test('returns 201 with the position of one event, and with the positions of an array', async () => {
    const channel = newChannel()
    const one = await post(JSON.stringify({ channel, type: 't' }))
    expect(one.status).toBe(201)
    const { position } = (await one.json()) as { position: number }
    const many = await post(
      JSON.stringify([
        { channel, type: 't' },
        { channel, type: 't' },
      ]),
    )
    expect(await many.json()).toEqual({ positions: [position + 1, position + 2] })
  })

  test('ends its response with a line feed, as all JSON of the server', async () => {
    const response = await post(JSON.stringify({ channel: newChannel(), type: 't' }))
    expect(response.headers.get('content-type')).toStartWith('application/json')
    expect(await response.text()).toMatch(/^\{"position":\d+\}\n$/)
  })

  test('keeps numbers as they were written', async () => {
    const channel = newChannel()
    const data = '{"big":12345678901234567890,"price":1.10,"huge":1e400}'
    await using reader = await openStream(instance.url, [channel])
    await post(`{"channel":"${channel}","type":"t","data":${data}}`)
    await reader.untilEvents(1)
    expect(reader.frames.at(-1)?.data).toContain(`"data":${data},`)
  })

  test('with an idempotency key publishes once, and returns the same response again', async () => {
    const channel = newChannel()
    const body = JSON.stringify({ channel, type: 't' })
    const statuses = await Promise.all(
      [1, 2, 3].map(() => post(body, { 'idempotency-key': 'order-1' }).then((response) => response.text())),
    )
    expect(new Set(statuses).size).toBe(1)
    const history = await get(`?channel=${channel}`, { accept: 'application/json' })
    expect(((await history.json()) as { events: unknown[] }).events).toHaveLength(1)
  })

  test('with an idempotency key for a batch publishes each of its events once', async () => {
    const channel = newChannel()
    const batch = [1, 2].map((data) => ({ channel, type: 't', data }))
    const first = await publish(instance.url, batch, { 'idempotency-key': 'batch-1' })
    expect(await publish(instance.url, batch, { 'idempotency-key': 'batch-1' })).toEqual(first)
    const [again, fresh] = await publish(instance.url, [
      { channel, type: 't', key: 'own' },
      { channel, type: 't', key: 'new' },
    ])
    expect(await publish(instance.url, [{ channel, type: 't', key: 'own' }])).toEqual([again as number])
    expect(fresh).toBe((again as number) + 1)
  })

  test.each([
    ['{', 'body.invalid', 400],
    ['', 'body.invalid', 400],
    ['"text"', 'event.invalid', 400],
    ['[]', 'batch.empty', 400],
    [JSON.stringify(Array.from({ length: 1001 }, () => 1)), 'batch.too_large', 413],
    ['{"channel":"a b","type":"t"}', 'channel.invalid', 400],
    ['{"channel":"a","type":""}', 'type.invalid', 400],
    ['{"channel":"a","type":"ready"}', 'type.reserved', 400],
    ['{"channel":"a","type":"t","extra":1}', 'event.invalid', 400],
    [`{"channel":"a","type":"t","data":"${'x'.repeat(5000)}"}`, 'data.too_large', 413],
    [`{"channel":"a","type":"t","data":"${'x'.repeat(100_000)}"}`, 'body.too_large', 413],
  ])('refuses %.40s with %s', async (body, code, status) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code, status })
  })

  test('returns the index of the invalid event of an array', async () => {
    const response = await post(
      JSON.stringify([
        { channel: 'a', type: 't' },
        { channel: 'a', type: 7 },
      ]),
    )
    expect(await response.json()).toMatchObject({ code: 'type.invalid', event: 1 })
  })

  test('refuses a body that is not declared as JSON: a form on a foreign page could send it', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      const response = await post('{"channel":"a","type":"t"}', { 'content-type': type })
      expect([response.status, await response.json()]).toMatchObject([415, { code: 'body.not_json' }])
    }
  })

  test('refuses text that is not UTF-8', async () => {
    const response = await post(new Uint8Array([0x22, 0xff, 0x22]))
    expect(await response.json()).toMatchObject({ code: 'body.invalid', detail: expect.stringContaining('UTF-8') })
  })

  test('refuses a body that is too large and has no Content-Length', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(50_000))
    let count = 0
    const body = new ReadableStream({
      pull(controller) {
        if (++count > 5) controller.close()
        else controller.enqueue(chunk)
      },
    })
    const response = await post(body)
    expect(response.status).toBe(413)
  })

  test('refuses data that is nested too deeply', async () => {
    const response = await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '['.repeat(45_000) + ']'.repeat(45_000),
    })
    expect(await response.json()).toMatchObject({
      status: expect.any(Number),
      code: expect.stringMatching(/data\.too_deep|event\.invalid|batch/),
    })
  })
})

describe('other requests to /events', () => {
  test.each(['PUT', 'PATCH', 'DELETE'])('%s is refused with the allowed methods', async (method) => {
    const response = await fetch(`${instance.url}/events`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS'])
    expect(await response.json()).toMatchObject({ code: 'method.not_allowed' })
  })

  test('OPTIONS returns the allowed methods', async () => {
    const response = await fetch(`${instance.url}/events`, { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
  })

  test('HEAD returns the headers of the stream, and ends', async () => {
    const response = await fetch(`${instance.url}/events`, { method: 'HEAD' })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await response.text()).toBe('')
  })

  test('HEAD is refused like GET', async () => {
    const head = (query: string, accept = '*/*') =>
      fetch(`${instance.url}/events${query}`, { method: 'HEAD', headers: { accept } }).then(({ status }) => status)
    expect([await head('?channel=a..b'), await head('?channels=a'), await head('', 'image/png')]).toEqual([
      400, 400, 406,
    ])
  })

  test('HTTP/1.0 without a Host header receives the stream', async () => {
    expect(await raw('GET /healthz HTTP/1.0\r\n\r\n')).toStartWith('HTTP/1.1 200')
    expect(await raw('GET /events?channel=a..b HTTP/1.0\r\n\r\n')).toContain('channel.invalid')
    expect(await raw('GET /nowhere HTTP/1.0\r\n\r\n')).toContain('route.unknown')
  })

  test('an unknown path returns a problem document', async () => {
    const response = await fetch(`${instance.url}/nowhere`)
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'route.unknown' }])
  })
})

/** The response to a request that is sent as written. */
async function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(instance.url)
  const closed = Promise.withResolvers<string>()
  let text = ''
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(self, bytes) {
        text += new TextDecoder().decode(bytes)
        if (/\r\n\r\n.+/s.test(text)) self.end()
      },
      close: () => closed.resolve(text),
    },
  })
  socket.write(request)
  return closed.promise
}
