import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { ConnectionEnd, ConnectionHandlers } from './connection.ts'
import { openWebSocketConnection } from './websocket-connection.ts'

/** A WebSocket whose methods are what can happen to one. */
class FakeWebSocket {
  static newest: FakeWebSocket
  isClosed = false
  onmessage: ((event: { data: string }) => void) | undefined
  onclose: ((event: { code: number }) => void) | undefined

  constructor(
    readonly url: string,
    readonly subprotocol: string,
  ) {
    FakeWebSocket.newest = this
  }

  close(): void {
    this.isClosed = true
  }

  receives(...messages: object[]): void {
    this.onmessage?.({ data: JSON.stringify(messages.length === 1 ? messages[0] : messages) })
  }
}

const before = { WebSocket: globalThis.WebSocket, location: globalThis.location }
let seen: unknown[]
let ends: ConnectionEnd[]

beforeEach(() => {
  seen = []
  ends = []
  Object.assign(globalThis, { WebSocket: FakeWebSocket, location: { href: 'https://app.example/orders' } })
})
afterEach(() => {
  Object.assign(globalThis, before)
})

const handlers: ConnectionHandlers = {
  onReady: (ready, id) => seen.push(['ready', ready.head, id]),
  onEvent: (event, id) => seen.push(['event', event.data, id]),
  onGap: (gap, id) => seen.push(['gap', gap.reason, id]),
  onHeartbeat: (id) => seen.push(['heartbeat', id]),
  onExpiring: (id) => seen.push(['expiring', id]),
  onClosing: (closing, id) => seen.push(['closing', closing.reason, id]),
  onEnd: (end) => ends.push(end),
}

const open = (cursor?: string) =>
  openWebSocketConnection({ url: '/events', channels: ['orders.>', 'a'], clientId: 'page', cursor }, handlers)

describe('a connection over a WebSocket', () => {
  test('is opened beside the page, with its channels, cursor and subprotocol', () => {
    open('7-a')
    const { url, subprotocol } = FakeWebSocket.newest
    expect(url).toBe('wss://app.example/events?channel=orders.%3E&channel=a&clientId=page&lastEventId=7-a')
    expect(subprotocol).toBe('sse-update.v1')
  })

  test('brings single messages and batches, in order', () => {
    open()
    FakeWebSocket.newest.receives({ id: '5-a', event: 'ready', data: { head: 5 } })
    FakeWebSocket.newest.receives(
      { id: '6-a', event: 'order.paid', data: { data: 1 } },
      { id: '7-a', event: 'message', data: { data: 2 } },
    )
    FakeWebSocket.newest.receives({ id: '9-a', event: 'gap', data: { reason: 'purged' } })
    FakeWebSocket.newest.receives({ id: '10-a', event: 'heartbeat', data: {} })
    FakeWebSocket.newest.receives({ id: '10-a', event: 'auth-expiring', data: {} })
    FakeWebSocket.newest.receives({ event: 'closing', data: { reason: 'drain' } })
    expect(seen).toEqual([
      ['ready', 5, '5-a'],
      ['event', 1, '6-a'],
      ['event', 2, '7-a'],
      ['gap', 'purged', '9-a'],
      ['heartbeat', '10-a'],
      ['expiring', '10-a'],
      ['closing', 'drain', ''],
    ])
  })

  test('that ends is closed for an unknown reason, or over after the close code that says so', () => {
    open()
    FakeWebSocket.newest.onclose?.({ code: 1006 })
    open()
    FakeWebSocket.newest.onclose?.({ code: 4204 })
    expect(ends).toEqual(['closed', { verdict: 'over' }])
  })

  test('brings nothing after it was closed, not even the rest of a batch', () => {
    const connection = open()
    const socket = FakeWebSocket.newest
    handlers.onHeartbeat = () => connection.close()
    socket.receives({ id: '1-a', event: 'heartbeat', data: {} }, { id: '2-a', event: 't', data: {} })
    socket.onclose?.({ code: 1000 })
    expect([seen, ends, socket.isClosed]).toEqual([[], [], true])
  })
})
