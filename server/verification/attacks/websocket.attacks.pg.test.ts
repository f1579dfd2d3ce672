import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { closeCodeOf } from '../../protocol/close-codes.ts'
import { MAX_SOCKET_MESSAGE } from '../../protocol/socket.ts'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance, startProcess } from '../../testing/instance.ts'
import { OPCODE, openRawSocket, type RawSocket } from '../../testing/raw-socket.ts'
import { openSocketReader } from '../../testing/socket-reader.ts'
import { publish } from '../../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET } from '../../testing/tokens.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { HEARTBEAT_MS: '1000' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const FRAME_TOO_BAD = 1002
const NOT_UTF8 = 1007
const TOO_LARGE = 1009

describe('cross-site WebSocket hijacking', () => {
  let own: TestDatabase
  let first: Runtime & AsyncDisposable
  let cookie: string
  beforeAll(async () => {
    own = await createDatabase()
    const settings = { JWT_SECRET: TOKEN_SECRET, ALLOWED_ORIGINS: 'https://app.example', LAB: 'on' }
    first = await startInstance(own.url, settings)
    const response = await fetch(`${first.url}/session`, {
      method: 'POST',
      headers: { ...(await bearer({ sub: 'alice', subscribe: ['>'] })), origin: first.url },
    })
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  })
  afterAll(async () => {
    await first[Symbol.asyncDispose]()
    await own[Symbol.asyncDispose]()
  })

  /** The status of the handshake that a page of an origin makes a browser with the cookie send. */
  const statusFor = async (origin: string, more: Record<string, string> = {}) => {
    using socket = await openRawSocket(first.url, '?channel=a', { cookie, origin, ...more })
    return socket.status
  }

  test('a page of another origin gets no WebSocket, whatever it claims', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'https://app.example.evil.example',
      'http://app.example',
      first.url.replace('http', 'https'),
    ]) {
      expect(await statusFor(origin), origin).toBe(403)
    }
    for (const site of ['cross-site', 'same-site']) {
      expect(await statusFor(first.url, { 'sec-fetch-site': site }), site).toBeOneOf([401, 403])
    }
  })

  test('pages of the server itself and of allowed origins get one', async () => {
    expect(await statusFor(first.url)).toBe(101)
    expect(await statusFor('https://app.example')).toBe(101)
  })

  test('a page that may only read without credentials has none, although the browser sends the cookie', async () => {
    // The lab lets its own pages read streams under other names of the machine.
    const page = first.url.replace('127.0.0.1', 'localhost')
    const readable = await fetch(`${first.url}/events?channel=a`, {
      headers: { origin: page, ...(await bearer({ sub: 'alice', subscribe: ['>'] })) },
    })
    expect(readable.status).toBe(200)
    await readable.body?.cancel()
    expect(await statusFor(page)).toBe(401)
  })
})

describe('frames that no browser sends', () => {
  const frames: [string, number, (socket: RawSocket) => void][] = [
    ['a binary message', closeCodeOf('unsupported'), ({ send }) => send(OPCODE.binary, '{"subscribe":["a"]}')],
    ['a message beyond the bound', TOO_LARGE, ({ send }) => send(OPCODE.text, ' '.repeat(MAX_SOCKET_MESSAGE + 1))],
    [
      'fragments that are beyond the bound together',
      TOO_LARGE,
      ({ send }) => {
        for (let n = 0; n < 9; n++)
          send(n === 0 ? OPCODE.text : OPCODE.continuation, ' '.repeat(8192), { isLast: false })
      },
    ],
    ['text that is not UTF-8', NOT_UTF8, ({ send }) => send(OPCODE.text, Buffer.from([0x22, 0xc3, 0x28, 0x22]))],
    ['a frame without a mask', FRAME_TOO_BAD, ({ send }) => send(OPCODE.text, '{}', { isMasked: false })],
    ['a reserved bit', FRAME_TOO_BAD, ({ send }) => send(OPCODE.text, '{}', { bits: 0x40 })],
    ['an unknown opcode', FRAME_TOO_BAD, ({ send }) => send(3, '{}')],
    ['a ping in fragments', FRAME_TOO_BAD, ({ send }) => send(OPCODE.ping, 'x', { isLast: false })],
    ['a continuation of nothing', FRAME_TOO_BAD, ({ send }) => send(OPCODE.continuation, 'x')],
    ['deeply nested JSON', closeCodeOf('invalid'), ({ send }) => send(OPCODE.text, '['.repeat(60_000))],
  ]

  test.each(frames)('%s closes that WebSocket alone, with code %d', async (_, code, attack) => {
    using other = await openSocketReader(instance.url, ['live'])
    using socket = await openRawSocket(instance.url, '?channel=live')
    attack(socket)
    expect(await socket.closeCode()).toBe(code)
    await socket.ended
    await publish(instance.url, [{ channel: 'live', type: 't' }])
    await other.untilEvents(1)
  })

  test('a message in fragments with a ping between them is one message', async () => {
    using socket = await openRawSocket(instance.url, '?channel=a')
    socket.send(OPCODE.text, '{"subscr', { isLast: false })
    socket.send(OPCODE.ping, 'between')
    socket.send(OPCODE.continuation, 'ibe":["b"]}')
    await until(
      'both answers',
      () => socket.frames.length,
      (length) => length >= 3,
    )
    const [, pong, answer] = socket.frames
    expect([pong?.opcode, pong?.payload.toString()]).toEqual([OPCODE.pong, 'between'])
    expect(answer?.payload.toString()).toContain('"event":"subscribed"')
  })
})

describe('handshakes that are none', () => {
  test.each([
    ['without a key', { 'sec-websocket-key': '' }, 400],
    ['without a subprotocol', { 'sec-websocket-protocol': '' }, 426],
    ['of another version', { 'sec-websocket-version': '8' }, 426],
  ])('%s are refused', async (_, headers, status) => {
    using socket = await openRawSocket(instance.url, '?channel=a', headers)
    expect(socket.status).toBe(status)
  })

  test('open no stream', async () => {
    const opened = async () => {
      const metrics = await (await fetch(`${instance.url}/metrics`)).text()
      return Number(/^sse_update_connections (\d+)$/m.exec(metrics)?.[1])
    }
    await until('no streams', opened, (count) => count === 0)
    using socket = await openRawSocket(instance.url, '?channel=a', { 'sec-websocket-key': 'short' })
    expect(socket.status).toBe(400)
    await until('no streams', opened, (count) => count === 0)
  })
})

describe('floods', () => {
  test('of messages close the WebSocket, and the others are served meanwhile', async () => {
    using other = await openSocketReader(instance.url, ['flooded'])
    using socket = await openRawSocket(instance.url, '?channel=a')
    for (let n = 0; n < 500; n++) socket.send(OPCODE.text, '{"subscribe":["b"]}')
    expect(await socket.closeCode()).toBe(closeCodeOf('flood'))
    await publish(instance.url, [{ channel: 'flooded', type: 't' }])
    await other.untilEvents(1)
  })

  test('of pings close it', async () => {
    using socket = await openRawSocket(instance.url, '?channel=a')
    for (let n = 0; n < 500; n++) socket.send(OPCODE.ping, 'x')
    expect(await socket.closeCode()).toBe(closeCodeOf('flood'))
  })
})

describe('a client that is gone without a word', () => {
  test('is found by its missing pong, and one that answers stays', async () => {
    using silent = await openRawSocket(instance.url, '?channel=a')
    using present = await openRawSocket(instance.url, '?channel=a')
    let answered = 0
    present.socket.on('data', () => {
      const pings = present.frames.filter(({ opcode }) => opcode === OPCODE.ping).length
      for (; answered < pings; answered++) present.send(OPCODE.pong)
    })
    await silent.ended
    expect(silent.frames.some(({ opcode }) => opcode === OPCODE.ping)).toBe(true)
    const before = answered
    await until(
      'further pings',
      () => answered,
      (count) => count >= before + 2,
    )
    expect(present.socket.destroyed).toBe(false)
  })
})

describe('clients that do not read', () => {
  test('cost one chunk of memory each, are closed as stalled, and delay nobody', async () => {
    await using own = await createDatabase()
    await using server = await startProcess({
      DATABASE_URL: own.url,
      STALL_TIMEOUT_MS: '8000',
      MAX_EVENT_BYTES: '1048576',
      WINDOW_BYTES: '8388608',
    })
    const metric = async (name: string) => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text()
      return Number(new RegExp(`^sse_update_${name} ([\\d.e+]+)$`, 'm').exec(metrics)?.[1])
    }
    using reader = await openSocketReader(server.url, ['big'])
    const idle: RawSocket[] = []
    for (let n = 0; n < 30; n++) {
      const socket = await openRawSocket(server.url, '?channel=big')
      socket.socket.pause()
      idle.push(socket)
    }
    const before = await metric('resident_memory_bytes')
    // 60 MB: for 30 clients, 1.8 GB would wait.
    const data = 'x'.repeat(200_000)
    for (let n = 0; n < 300; n++) await publish(server.url, [{ channel: 'big', type: 't', data }])
    await reader.untilEvents(300)
    expect((await metric('resident_memory_bytes')) - before).toBeLessThan(400 * 2 ** 20)
    const stalled = () =>
      metric('connections_closed_total{transport="websocket",reason="stalled"}'.replace(/[{}]/g, '\\$&'))
    await until('their end', stalled, (count) => count === 30)
    expect(await metric('connections')).toBe(1)
    for (const socket of idle) socket.socket.destroy()
  })
})
