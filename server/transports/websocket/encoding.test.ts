import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Chunk } from '../../fanout/encoding.ts'
import type { LoggedEvent } from '../../protocol/event.ts'
import { answer, socketEncoding, WEBSOCKET } from './encoding.ts'

const read = (chunk: Chunk) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(chunk))

const event = (position: number, data: string, type = 't'): LoggedEvent => ({
  position,
  channel: 'a.b',
  type,
  data,
  time: new Date('2026-11-21T10:00:00Z'),
  origin: null,
})

describe('a message', () => {
  test('carries what was published, whatever JSON it is and however it is written', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom(undefined, 2, '\t'),
        (value, type, space) => {
          const text = JSON.stringify(value, null, space)
          expect(read(WEBSOCKET.event(event(7, text, type), 'e1'))).toEqual({
            id: '7-e1',
            event: type,
            data: { channel: 'a.b', type, data: JSON.parse(text), time: '2026-11-21T10:00:00.000Z' },
          })
        },
      ),
    )
  })

  test('of several events is the array of them, and of one is that one', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { minLength: 1, maxLength: 20 }), (texts) => {
        const chunks = texts.map((text, index) => WEBSOCKET.event(event(index + 1, text), 'e1'))
        const joined = read(WEBSOCKET.join(chunks))
        expect(joined).toEqual(chunks.length === 1 ? read(chunks[0] as Chunk) : chunks.map(read))
      }),
    )
  })

  test('with raw data carries the value itself, and the same control events', () => {
    const raw = socketEncoding('raw')
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const chunk = raw.event(event(7, JSON.stringify(value, null, 2)), 'e1')
        expect(read(chunk)).toEqual({ id: '7-e1', event: 't', data: JSON.parse(JSON.stringify(value)) })
      }),
    )
    expect(raw.heartbeat('9-e1', new Date(0))).toEqual(WEBSOCKET.heartbeat('9-e1', new Date(0)))
    expect([raw.name === WEBSOCKET.name, socketEncoding('envelope')]).toEqual([false, WEBSOCKET])
  })

  test('keeps numbers as they were written, beyond what a double holds', () => {
    const text = new TextDecoder().decode(WEBSOCKET.event(event(1, '12345678901234567890.10'), 'e1'))
    expect(text).toContain('"data":12345678901234567890.10,')
  })
})

describe('control events', () => {
  const ready = {
    connection: '7',
    instance: 'i',
    channels: ['a'],
    cursor: '5-e1',
    oldest: 1,
    head: 9,
    resumed: true,
    heartbeat: 15_000,
  }

  test('have their name, their data, and the cursor as id', () => {
    const time = new Date('2026-11-21T10:00:00Z')
    const expiresAt = '2026-11-21T10:00:00.000Z'
    const gap = { from: 1, to: 5, reason: 'purged' } as const
    expect(read(WEBSOCKET.ready(ready, 120, true))).toEqual({ id: '5-e1', event: 'ready', data: ready, retry: 120 })
    expect(read(WEBSOCKET.gap(gap, '5-e1'))).toEqual({ id: '5-e1', event: 'gap', data: gap })
    expect(read(WEBSOCKET.heartbeat('9-e1', time))).toEqual({
      id: '9-e1',
      event: 'heartbeat',
      data: { time: expiresAt },
    })
    expect(read(WEBSOCKET.authExpiring({ expiresAt }, '9-e1'))).toEqual({
      id: '9-e1',
      event: 'auth-expiring',
      data: { expiresAt },
    })
  })

  test('that must not move the cursor of the client have no id', () => {
    expect(read(WEBSOCKET.ready(ready, 120, false))).toEqual({ event: 'ready', data: ready, retry: 120 })
    const closing = { reason: 'full', retry: 300 } as const
    expect(read(WEBSOCKET.closing(closing, undefined))).toEqual({ event: 'closing', data: closing, retry: 300 })
    expect(JSON.parse(answer('renewed', { expiresAt: null }))).toEqual({ event: 'renewed', data: { expiresAt: null } })
  })

  test('are no comments: heartbeats and pings keep the connection alive', () => {
    expect(WEBSOCKET.comment).toBeUndefined()
  })
})
