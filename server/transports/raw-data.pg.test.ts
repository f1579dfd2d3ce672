import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openStream, publish, type StreamReader } from '../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET } from '../testing/tokens.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { MAX_EVENT_BYTES: String(2 ** 20), PUBLISH_RATE: '500' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const newChannel = () => `test.${crypto.randomUUID()}`
const send = (query: string, body: BodyInit, type = 'text/plain', headers: Record<string, string> = {}) =>
  fetch(`${instance.url}/events?${query}`, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
const follow = (channel: string, more = '&data=raw') => openStream(`${instance.url}/events?channel=${channel}${more}`)
const framesOf = ({ messages }: StreamReader) => messages.map(({ event, data }) => [event, data])
const history = async (channel: string) => {
  const page = await fetch(`${instance.url}/events?channel=${channel}`, { headers: { accept: 'application/json' } })
  return ((await page.json()) as { events: { type: string; data: unknown }[] }).events
}

describe('a stream with data=raw', () => {
  test('brings what was published: of a string its text, of other JSON its text', async () => {
    const channel = newChannel()
    await using reader = await follow(channel)
    await publish(instance.url, [
      { channel, type: 'html', data: '<li>Tea</li>\n<li>Pot</li>' },
      { channel, type: 'order.paid', data: { total: 1.5 } },
      { channel, data: 'unnamed' },
      { channel, type: 'message', data: [1] },
      { channel },
    ])
    await reader.untilEvents(5)
    expect(framesOf(reader)).toEqual([
      ['html', '<li>Tea</li>\n<li>Pot</li>'],
      ['order.paid', '{"total":1.5}'],
      [undefined, 'unnamed'],
      [undefined, '[1]'],
      [undefined, 'null'],
    ])
  })

  test('keeps its control events, and resumes after the id of any of its events', async () => {
    const channel = newChannel()
    const reader = await follow(channel)
    await publish(
      instance.url,
      ['a', 'b'].map((data) => ({ channel, data })),
    )
    await reader.untilEvents(2)
    await reader.close()
    const [ready] = reader.frames
    expect(ready?.event).toBe('ready')
    expect(JSON.parse(ready?.data ?? '')).toMatchObject({ channels: [channel], cursor: ready?.id })
    await using resumed = await follow(channel, `&data=raw&lastEventId=${reader.messages[0]?.id}`)
    await resumed.untilEvents(1)
    expect(resumed.messages).toEqual([reader.messages[1] as never])
  })

  test('and named=false has no event: line for any type', async () => {
    const channel = newChannel()
    await using reader = await follow(channel, '&data=raw&named=false')
    await publish(instance.url, [
      { channel, type: 'html', data: '<b>' },
      { channel, data: 'x' },
    ])
    await reader.untilEvents(2)
    expect(framesOf(reader)).toEqual([
      [undefined, '<b>'],
      [undefined, 'x'],
    ])
  })

  test('is beside streams with envelopes, which say the type message of an event without one', async () => {
    const channel = newChannel()
    await using raw = await follow(channel)
    await using plain = await follow(channel, '')
    await using explicit = await follow(channel, '&data=envelope')
    await publish(instance.url, [{ channel, data: 'x' }])
    await Promise.all([raw, plain, explicit].map((reader) => reader.untilEvents(1)))
    expect(raw.messages[0]?.data).toBe('x')
    expect(plain.events).toMatchObject([{ channel, type: 'message', data: 'x' }])
    expect(plain.messages[0]?.event).toBe('message')
    expect(explicit.messages).toEqual(plain.messages)
    expect(await history(channel)).toMatchObject([{ type: 'message', data: 'x' }])
  })

  test('ignores the signals that Datastar adds to the query', async () => {
    const channel = newChannel()
    await using reader = await follow(channel, '&data=raw&datastar=%7B%22a%22%3A1%7D')
    expect(reader.frames[0]?.event).toBe('ready')
  })

  test.each(['', 'RAW', 'json', 'raw%0a'])('data=%s is refused', async (value) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(`${instance.url}/events?data=${value}`, { method })
      expect(response.status).toBe(400)
      if (method === 'GET') expect(await response.json()).toMatchObject({ code: 'data.invalid' })
    }
  })
})

describe('POST /events?channel=…', () => {
  test.each([
    ['text/html', '<li class="x">\n  Tea &amp; cake</li>\n'],
    ['text/plain; charset=utf-8', ' two spaces, a tab\t, "quotes" and \\ backslashes '],
    ['text/plain;charset="UTF-8"', '🦊\u2028\u0085\u0000'],
    ['TEXT/HTML', '\ufeff<!doctype html>'],
    ['text/vnd.turbo-stream.html', '<turbo-stream action="append"></turbo-stream>'],
    ['text/plain', ''],
  ])('stores a body of the type %s as a string, and a raw stream brings it back unchanged', async (type, text) => {
    const channel = newChannel()
    await using reader = await follow(channel)
    const response = await send(`channel=${channel}&type=html&key=k`, text, type)
    expect([response.status, await response.json()]).toEqual([201, { position: expect.any(Number) }])
    await reader.untilEvents(1)
    expect(framesOf(reader)).toEqual([['html', text]])
    expect(await history(channel)).toMatchObject([{ type: 'html', data: text }])
  })

  test('brings CR and CRLF as LF: the grammar of event streams has no other line break', async () => {
    const channel = newChannel()
    await using reader = await follow(channel)
    await send(`channel=${channel}`, 'a\r\nb\rc\n\r\n', 'text/html')
    await reader.untilEvents(1)
    expect(framesOf(reader)).toEqual([[undefined, 'a\nb\nc\n\n']])
    expect(await history(channel)).toMatchObject([{ type: 'message', data: 'a\r\nb\rc\n\r\n' }])
  })

  test('brings a megabyte of HTML unchanged, live and from the log', async () => {
    const channel = newChannel()
    const html = '  <li>Tée\n\n'.repeat(74_000)
    await using reader = await follow(channel)
    expect((await send(`channel=${channel}`, html, 'text/html')).status).toBe(201)
    await reader.untilEvents(1)
    expect(reader.messages[0]?.data === html).toBe(true)
    await using late = await follow(channel, '&data=raw&lastEventId=earliest')
    await late.untilEvents(1)
    expect(late.messages[0]?.data === html).toBe(true)
  })

  test('stores JSON as it was sent, without white space around it', async () => {
    const channel = newChannel()
    await using reader = await follow(channel)
    const texts = ['{"big":12345678901234567890, "price":1.10}', '[{"channel":"x","type":"t"}]', '"te\\u0078t"', '7']
    for (const text of texts) {
      const response = await send(`channel=${channel}`, `\ufeff \n${text}\r\n`, 'application/json')
      expect(response.status).toBe(201)
    }
    await reader.untilEvents(4)
    expect(framesOf(reader).map(([, data]) => data)).toEqual([texts[0], texts[1], 'text', '7'] as string[])
  })

  test('takes the key of the query before the header, and publishes once', async () => {
    const channel = newChannel()
    const positions = []
    for (const [query, header] of [
      ['&key=own', 'k'],
      ['', 'k'],
      ['&key=own', 'other'],
      ['', 'k'],
    ] as const) {
      const response = await send(`channel=${channel}${query}`, 'x', 'text/plain', { 'idempotency-key': header })
      positions.push(((await response.json()) as { position: number }).position)
    }
    const [own = 0, fromHeader = 0] = positions
    expect(positions).toEqual([own, fromHeader, own, fromHeader])
    expect(fromHeader).toBe(own + 1)
    const reused = await send(`channel=${channel}&key=own`, 'y')
    expect([reused.status, await reused.json()]).toMatchObject([422, { code: 'key.reused' }])
  })

  test("leaves the event out of its page's own stream", async () => {
    const channel = newChannel()
    await using reader = await follow(channel, '&data=raw&clientId=page-1')
    await send(`channel=${channel}`, 'own', 'text/plain', { 'x-client-id': 'page-1' })
    await send(`channel=${channel}`, 'foreign')
    await reader.untilEvents(1)
    expect(framesOf(reader)).toEqual([[undefined, 'foreign']])
  })

  test('counts against the rate like any event', async () => {
    const response = await send(`channel=${newChannel()}`, 'x')
    expect(response.headers.get('ratelimit')).toMatch(/^"publish";r=\d+/)
  })

  const bytes = (...values: number[]) => new Uint8Array(values)
  test.each([
    ['channel=a&data=x', 'x', 'text/plain', 400, 'parameter.unknown'],
    ['channel=a&channel=b', 'x', 'text/plain', 400, 'parameter.repeated'],
    ['channel=', 'x', 'text/plain', 400, 'channel.invalid'],
    ['channel=a.>', 'x', 'text/plain', 400, 'channel.invalid'],
    ['channel=sse.revoked', 'x', 'text/plain', 403, 'channel.reserved'],
    ['channel=a&type=', 'x', 'text/plain', 400, 'type.invalid'],
    ['channel=a&type=a%0ab', 'x', 'text/plain', 400, 'type.invalid'],
    ['channel=a&type=gap', 'x', 'text/plain', 400, 'type.reserved'],
    ['channel=a&key=', 'x', 'text/plain', 400, 'key.invalid'],
    ['channel=a', 'x', 'text/plain; charset=iso-8859-1', 415, 'body.not_text'],
    ['channel=a', 'x', 'application/octet-stream', 415, 'body.not_text'],
    ['channel=a', 'x', 'application/x-www-form-urlencoded', 415, 'body.not_text'],
    ['channel=a', bytes(0x61, 0xe9), 'text/plain', 400, 'body.invalid'],
    ['channel=a', bytes(0xed, 0xa0, 0x80), 'text/html', 400, 'body.invalid'],
    ['channel=a', bytes(0x22, 0xff, 0x22), 'application/json', 400, 'body.invalid'],
    ['channel=a', '{', 'application/json', 400, 'body.invalid'],
    ['channel=a', '', 'application/json', 400, 'body.invalid'],
    ['channel=a', '1 2', 'application/json', 400, 'body.invalid'],
    ['channel=a', '['.repeat(1001) + ']'.repeat(1001), 'application/json', 400, 'data.too_deep'],
    ['channel=a', 'x'.repeat(2 ** 20 - 1), 'text/plain', 413, 'data.too_large'],
    ['channel=a', '"'.repeat(2 ** 19), 'text/plain', 413, 'data.too_large'],
    ['channel=a', `"${'x'.repeat(2 ** 20 - 1)}"`, 'application/json', 413, 'data.too_large'],
    ['channel=a', 'x'.repeat(2 ** 21 + 1), 'text/plain', 413, 'body.too_large'],
    ['type=t', 'x', 'text/plain', 400, 'channel.missing'],
    ['key=k', '{"channel":"a","type":"t"}', 'application/json', 400, 'channel.missing'],
    ['', '<p>', 'text/html', 415, 'body.not_json'],
  ])('refuses ?%s with %.20p of the type %s with %i %s', async (query, body, type, status, code) => {
    const before = (await fetch(`${instance.url}/events`, { headers: { accept: 'application/json' } }).then((page) =>
      page.json(),
    )) as { head: number }
    const response = await send(query, body, type)
    expect([response.status, await response.json()]).toMatchObject([status, { code }])
    const after = await fetch(`${instance.url}/events`, { headers: { accept: 'application/json' } })
    expect(await after.json()).toMatchObject({ head: before.head })
  })

  test('publishes data of exactly the size that is allowed', async () => {
    const channel = newChannel()
    for (const [body, type] of [
      ['x'.repeat(2 ** 20 - 2), 'text/plain'],
      [`"${'x'.repeat(2 ** 20 - 2)}"`, 'application/json'],
    ] as const)
      expect((await send(`channel=${channel}`, body, type)).status).toBe(201)
  })

  test('needs a grant for the channel, and is refused before its body is read', async () => {
    await using secured = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
    const post = async (channel: string, headers: Record<string, string>, body: BodyInit) =>
      fetch(`${secured.url}/events?channel=${channel}`, {
        method: 'POST',
        headers: { 'content-type': 'text/html', ...headers },
        body,
      })
    const token = await bearer({ sub: 'alice', publish: ['orders.alice.>'] })
    expect((await post('orders.alice.1', {}, 'x')).status).toBe(401)
    expect((await post('orders.alice.1', token, 'x')).status).toBe(201)
    const endless = new ReadableStream({ pull: () => new Promise(() => {}) })
    const denied = await post('orders.bob.1', token, endless)
    expect([denied.status, await denied.json()]).toMatchObject([
      403,
      { code: 'access.denied', channel: 'orders.bob.1' },
    ])
  })
})
