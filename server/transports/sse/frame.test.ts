import { describe, expect, test } from 'bun:test'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import fc from 'fast-check'
import type { LoggedEvent } from '../../protocol/event.ts'
import {
  COMMENT,
  closingFrame,
  concatenate,
  eventFrame,
  gapFrame,
  heartbeatFrame,
  readyFrame,
  withoutName,
} from './frame.ts'

const TIME = new Date('2026-11-21T10:00:00.000Z')

/** What an independent parser makes of the bytes, fed in pieces that end at the given places. */
function parse(bytes: Uint8Array, cuts: readonly number[] = []) {
  const messages: EventSourceMessage[] = []
  const retries: number[] = []
  const parser = createParser({
    onEvent: (message) => messages.push(message),
    onRetry: (ms) => retries.push(ms),
    onError: (error) => {
      throw error
    },
  })
  const decoder = new TextDecoder()
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [index, end] of places.slice(1).entries()) {
    parser.feed(decoder.decode(bytes.subarray(places[index], end), { stream: true }))
  }
  return { messages, retries }
}

const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const type = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => !/\p{Cc}/u.test(value))
const token = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((value) => /^[^\s\p{Cc}.*>]+$/u.test(value))
const event = fc.record({
  position: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  channel: fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.')),
  type,
  data: fc.oneof(
    fc.json(),
    // White space between tokens is the publisher's; so are control characters and surrogates inside strings.
    fc.jsonValue().map((value) => JSON.stringify(value, null, 2).replaceAll('\n', '\r\n')),
    fc
      .oneof(
        text,
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\r', '\n', '\u0000', '🦊', '\u2028', '\ufeff', '\ud800'),
      )
      .map((value) => JSON.stringify({ value })),
  ),
  time: fc.constant(TIME),
  origin: fc.constant(null),
}) satisfies fc.Arbitrary<LoggedEvent>

describe('the frame of an event', () => {
  test('has the form that the documentation shows', () => {
    const bytes = eventFrame(
      {
        position: 42,
        channel: 'orders.alice.17',
        type: 'order.paid',
        data: '{"total":12}',
        time: TIME,
        origin: null,
      },
      'k3f9',
    )
    expect(new TextDecoder().decode(bytes)).toBe(
      'event: order.paid\ndata: {"channel":"orders.alice.17","type":"order.paid","data":{"total":12},"time":"2026-11-21T10:00:00.000Z"}\nid: 42-k3f9\n\n',
    )
  })

  test('has no character by which clients divide lines that are no lines of the stream (str.splitlines of Python)', () => {
    const value = '\u0085id: 9\u2028event: closing\u2029data: x\u000b\u000c\u001c\u001d\u001e'
    const data = JSON.stringify({ [value]: value })
    const frame = new TextDecoder().decode(
      eventFrame({ position: 42, channel: 'a', type: 't', data, time: TIME, origin: null }, 'k3f9'),
    )
    const breaks = '\n\r\u000b\u000c\u001c\u001d\u001e\u0085\u2028\u2029'
    const lines = frame.split(new RegExp(`[${breaks}]`))
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['even', 'data', 'id: ', '', ''])
    expect(JSON.parse(lines[1]?.slice('data: '.length) ?? '').data).toEqual({ [value]: value })
  })

  test('comes out of an independent parser unchanged, at any split into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (events, cuts) => {
          const { messages } = parse(concatenate(events.map((given) => eventFrame(given, 'k3f9'))), cuts)
          expect(messages).toHaveLength(events.length)
          for (const [index, { position, channel, type, data }] of events.entries()) {
            const message = messages[index]
            expect(message).toMatchObject({ id: `${position}-k3f9`, event: type })
            expect(JSON.parse(message?.data ?? '')).toEqual({
              channel,
              type,
              data: JSON.parse(data),
              time: TIME.toISOString(),
            })
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('has one line of data, however many line breaks its JSON has', () => {
    const given = { position: 1, channel: 'a', type: 'b', time: TIME, origin: null }
    const bytes = eventFrame({ ...given, data: `[\r\n\n${'\n'.repeat(10_000)}1,\r"\\n"]` }, 'k3f9')
    expect(bytes.byteLength).toBe(
      eventFrame({ ...given, data: `[   ${' '.repeat(10_000)}1, "\\n"]` }, 'k3f9').byteLength,
    )
    expect(new TextDecoder().decode(bytes).match(/^data:/gm)).toHaveLength(1)
    expect(JSON.parse(parse(bytes).messages[0]?.data ?? '').data).toEqual([1, '\n'])
  })

  test('carries 256 KiB at any split into chunks', () => {
    const value = '€\r\n🦊x'.repeat(20_000)
    fc.assert(
      fc.property(fc.array(fc.nat(400_000), { maxLength: 50 }), (cuts) => {
        const bytes = eventFrame(
          { position: 1, channel: 'a', type: 'b', data: JSON.stringify(value), time: TIME, origin: null },
          'k3f9',
        )
        const { messages } = parse(bytes, cuts)
        expect(JSON.parse(messages[0]?.data ?? '').data).toBe(value)
      }),
      { numRuns: 20 },
    )
  })

  test('without its name carries the same event for onmessage', () => {
    fc.assert(
      fc.property(event, (given) => {
        const [named] = parse(eventFrame(given, 'k3f9')).messages
        const { messages } = parse(withoutName(eventFrame(given, 'k3f9')))
        expect(messages).toEqual([{ id: `${given.position}-k3f9`, event: undefined, data: named?.data ?? '' }])
      }),
    )
  })
})

const READY = {
  connection: 'c1',
  instance: 'i',
  channels: ['orders.>'],
  cursor: '7-k3f9',
  oldest: 3,
  head: 7,
  resumed: true,
  heartbeat: 15_000,
}

test('the frame of ready has the reconnection time and the cursor', () => {
  const { messages, retries } = parse(readyFrame(READY, 2500))
  expect(retries).toEqual([2500])
  expect(messages).toEqual([{ id: '7-k3f9', event: 'ready', data: JSON.stringify(READY) }])
})

test('the frames of gap, heartbeat and closing are events, and set the last event ID', () => {
  const gap = { from: 3, to: 9, reason: 'purged' } as const
  const closing = { reason: 'drain', retry: 50 } as const
  const { messages, retries } = parse(
    concatenate([
      gapFrame(gap, '9-k3f9'),
      COMMENT,
      heartbeatFrame('12-k3f9', TIME),
      COMMENT,
      COMMENT,
      closingFrame(closing, '13-k3f9'),
    ]),
  )
  expect(messages).toEqual([
    { id: '9-k3f9', event: 'gap', data: JSON.stringify(gap) },
    { id: '12-k3f9', event: 'heartbeat', data: '{"time":"2026-11-21T10:00:00.000Z"}' },
    { id: '13-k3f9', event: 'closing', data: JSON.stringify(closing) },
  ])
  expect(retries).toEqual([50])
})

test('every frame has one event and its id in the last line, and no blank line stands without an event', () => {
  const closing = { reason: 'full', retry: 50 } as const
  const frames = [readyFrame(READY, 2500), heartbeatFrame('7-k3f9', TIME), closingFrame(closing, '7-k3f9')]
  for (const bytes of frames) {
    const lines = new TextDecoder().decode(bytes).split('\n')
    expect(lines.slice(-3)).toEqual(['id: 7-k3f9', '', ''])
    expect(lines.indexOf('')).toBe(lines.length - 2)
  }
  expect(new TextDecoder().decode(COMMENT)).toBe(':\n')
  expect(new TextDecoder().decode(closingFrame(closing, undefined))).not.toContain('id:')
})
