import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { ConnectionHandlers } from '../sse/connection.ts'
import { measuredConnections } from './connections.ts'
import { HEADERS, WireMeter } from './wire-meter.ts'

const { fetch, WebSocket } = globalThis
const request = { url: 'http://server/events', channels: ['a'], clientId: undefined, cursor: '5-e' }
let meter: WireMeter
let calls: unknown[][]
let respond: () => Response

beforeEach(() => {
  meter = new WireMeter()
  calls = []
  globalThis.fetch = (async () => respond()) as unknown as typeof globalThis.fetch
})
afterEach(() => {
  globalThis.fetch = fetch
  globalThis.WebSocket = WebSocket
})

const handlers = () =>
  new Proxy({} as ConnectionHandlers, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        calls.push([name, ...args]),
    // So that they can be spread.
    ownKeys: () => ['onReady', 'onEvent', 'onGap', 'onHeartbeat', 'onExpiring', 'onClosing', 'onEnd'],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  })
const ended = async () => {
  while (!calls.some(([name]) => name === 'onEnd')) await Bun.sleep(1)
}

describe('an event stream over fetch', () => {
  test('brings what the stream holds, and counts its bytes', async () => {
    const text = [
      'event: ready\ndata: {"head":5}\nid: 5-e\n\n',
      ': a comment\n\n',
      'data: {"channel":"a","type":"é","data":1,"time":""}\nid: 6-e\n\n',
      'event: gap\ndata: {"to":8}\nid: 8-e\n\n',
      'event: heartbeat\ndata: {}\nid: 9-e\n\n',
      'event: auth-expiring\ndata: {}\n\n',
      'event: closing\ndata: {"reason":"drain","retry":1}\n\n',
    ].join('')
    respond = () => new Response(text)
    measuredConnections('sse', meter)('sse', request, handlers())
    await ended()
    expect(calls).toEqual([
      ['onReady', { head: 5 }, '5-e'],
      ['onEvent', { channel: 'a', type: 'é', data: 1, time: '' }, '6-e'],
      ['onGap', { to: 8 }, '8-e'],
      ['onHeartbeat', '9-e'],
      ['onExpiring', '9-e'],
      ['onClosing', { reason: 'drain', retry: 1 }, '9-e'],
      ['onEnd', { verdict: 'retry', retryAfter: undefined }],
    ])
    expect([meter.bytes, meter.requests]).toEqual([HEADERS + Buffer.byteLength(text), 1])
  })

  test('says why the server refuses', async () => {
    respond = () => Response.json({ code: 'access.denied', detail: 'No.' }, { status: 403 })
    measuredConnections('sse', meter)('sse', request, handlers())
    await ended()
    expect(calls).toEqual([['onEnd', { verdict: 'refused', reason: 'No.', status: 403, isServers: true }]])
  })

  test('counts no bytes where no response came', async () => {
    respond = () => {
      throw new TypeError('unreachable')
    }
    measuredConnections('sse', meter)('sse', request, handlers())
    await ended()
    expect([calls, meter.bytes, meter.requests]).toEqual([
      [['onEnd', { verdict: 'retry', retryAfter: undefined }]],
      0,
      1,
    ])
  })

  test('reports nothing after it was closed, and is no longer in use', async () => {
    respond = () => new Response('data: {}\nid: 6-e\n\n')
    const connection = measuredConnections('sse', meter)('sse', request, handlers())
    connection.close()
    await Bun.sleep(5)
    expect([calls, meter.busy(0)]).toEqual([[], meter.busy(1e9)])
  })
})

test('a WebSocket counts its frames, and brings what they hold', () => {
  let socket: { onmessage?: (event: { data: string }) => void } = {}
  globalThis.WebSocket = class {
    declare onmessage?: (event: { data: string }) => void
    constructor() {
      socket = this
    }
    close() {}
  } as unknown as typeof globalThis.WebSocket
  measuredConnections('websocket', meter)('websocket', request, handlers())
  const data = JSON.stringify({ id: '6-e', event: 't', data: { data: 1 } })
  socket.onmessage?.({ data })
  expect(calls).toEqual([['onEvent', { data: 1 }, '6-e']])
  expect([meter.bytes, meter.requests]).toEqual([HEADERS + data.length + 2, 1])
  socket.onmessage?.({ data })
  expect(meter.bytes).toBe(HEADERS + 2 * (data.length + 2))
})
