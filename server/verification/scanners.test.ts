import { expect, test } from 'bun:test'
import { pageText } from '../transports/history/page.ts'
import { PAGE } from '../transports/long-poll/encoding.ts'
import { WEBSOCKET } from '../transports/websocket/encoding.ts'
import type { ScannedFrame } from './connection.ts'
import { scanMessages } from './message-scanner.ts'
import { scanPage } from './page-scanner.ts'

const event = (position: number) => ({
  position,
  channel: 'ä.b',
  type: 'verify',
  data: `{"n":${position},"x":"},{\\"id\\":1,\\"retry\\":5],\\n"}`,
  time: new Date(0),
  origin: null,
})
const ready = { connection: '1', instance: 'i', channels: ['ä.*'], cursor: '3-k', oldest: 1, head: 3, resumed: false }
/** As the connection hands it on: one byte a character. */
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

test('the scanner of messages finds what the server writes over WebSockets', () => {
  const frames: ScannedFrame[] = []
  const retries: number[] = []
  for (const chunk of [
    WEBSOCKET.ready({ ...ready, heartbeat: 1000 }, 2000, true),
    WEBSOCKET.ready({ ...ready, heartbeat: 1000 }, 2001, false),
    WEBSOCKET.event(event(4), 'k'),
    WEBSOCKET.join([5, 6, 7].map((position) => WEBSOCKET.event(event(position), 'k'))),
    WEBSOCKET.heartbeat('8-k', new Date(0)),
    WEBSOCKET.gap({ from: 8, to: 9, reason: 'purged' }, '9-k'),
    WEBSOCKET.closing({ reason: 'drain', retry: 90 }, '9-k'),
    WEBSOCKET.closing({ reason: 'full', retry: 91 }, undefined),
  ]) {
    scanMessages(latin1(chunk), { onFrame: (frame) => frames.push(frame), onRetry: (ms) => retries.push(ms) })
  }
  expect(frames.map(({ id, cursor, event: name }) => [id, cursor, name])).toEqual([
    [3, '3-k', 'ready'],
    [-1, '', 'ready'],
    [4, '4-k', 'verify'],
    [5, '5-k', 'verify'],
    [6, '6-k', 'verify'],
    [7, '7-k', 'verify'],
    [8, '8-k', 'heartbeat'],
    [9, '9-k', 'gap'],
    [9, '9-k', 'closing'],
    [-1, '', 'closing'],
  ])
  expect(frames.slice(2, 6).map(({ text }) => JSON.parse(text).data.data.n)).toEqual([4, 5, 6, 7])
  expect(retries).toEqual([2000, 2001, 90, 91])
})

const bounds = { cursor: '9-k', more: false, oldest: 1, head: 9 }

test('the scanner of pages finds what the server writes on a page that was waited for', () => {
  const chunk = PAGE.join([4, 5, 6].map((position) => PAGE.event(event(position), 'k')))
  const { events, ...others } = scanPage(pageText({ events: latin1(chunk), ...bounds }))
  expect(others).toEqual({ cursor: '9-k' })
  expect(events.map(({ position, type }) => [position, type])).toEqual([
    [4, 'verify'],
    [5, 'verify'],
    [6, 'verify'],
  ])
  expect(events.map(({ text }) => JSON.parse(text).data.n)).toEqual([4, 5, 6])
})

test('the scanner of pages finds a gap and the reason of an early end on pages without events, and takes nothing else for one', () => {
  const gap = { from: 1, to: 9, reason: 'purged' } as const
  const closing = { reason: 'drain', retry: 5 } as const
  expect(scanPage(pageText({ events: '', ...bounds }))).toEqual({ events: [], cursor: '9-k' })
  expect(scanPage(pageText({ gap, events: '', ...bounds }))).toEqual({ events: [], cursor: '9-k', gap })
  expect(scanPage(pageText({ closing, events: '', ...bounds }))).toEqual({ events: [], cursor: '9-k', closing })
  expect(() => scanPage('<!doctype html>')).toThrow(SyntaxError)
})
