import { describe, expect, test } from 'bun:test'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import fc from 'fast-check'
import { concatenate } from './frame.ts'
import { rawFrame } from './raw-frame.ts'

const logged = (data: string, type = 't', position = 42) => ({
  position,
  channel: 'a',
  type,
  data,
  time: new Date(),
  origin: null,
})
const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
const frameOf = (data: string, type?: string) => textOf(rawFrame(logged(data, type), 'k3f9'))

function parse(bytes: Uint8Array): EventSourceMessage[] {
  const messages: EventSourceMessage[] = []
  const parser = createParser({
    onEvent: (message) => messages.push(message),
    onError: (error) => {
      throw error
    },
  })
  // After a frame, so that a byte order mark is not at the start of the stream.
  parser.feed(`:\n${textOf(bytes)}`)
  return messages
}

/** What the grammar of event streams makes of a text: CR and CRLF are line ends, and UTF-8 has no lone surrogates. */
const asReceived = (text: string) => text.replace(/\r\n?/g, '\n').toWellFormed()

describe('the raw frame of an event', () => {
  test('has the text of a string, a line of data for each of its lines, and the id last', () => {
    expect(frameOf('"<li>Tea</li>\\n<li>Pot</li>"', 'news')).toBe(
      'event: news\ndata: <li>Tea</li>\ndata: <li>Pot</li>\nid: 42-k3f9\n\n',
    )
  })

  test('has other JSON as its text, on one line', () => {
    expect(frameOf('{"a":\r\n [1.10, "x\\ny"]}')).toBe('event: t\ndata: {"a":   [1.10, "x\\ny"]}\nid: 42-k3f9\n\n')
    for (const data of ['null', '0', '[]', 'true', '12345678901234567890'])
      expect(frameOf(data)).toBe(`event: t\ndata: ${data}\nid: 42-k3f9\n\n`)
  })

  test('has no name for an event of the type message, and for none when names are off', () => {
    expect(frameOf('"x"', 'message')).toBe('data: x\nid: 42-k3f9\n\n')
    expect(textOf(rawFrame(logged('"x"'), 'k3f9', false))).toBe('data: x\nid: 42-k3f9\n\n')
  })

  test.each([
    ['', ''],
    ['\n', '\n'],
    ['a\n', 'a\n'],
    ['\n\n a', '\n\n a'],
    ['a\rb', 'a\nb'],
    ['a\r\nb', 'a\nb'],
    ['a\n\rb', 'a\n\nb'],
    ['\r\r\n\n', '\n\n\n'],
    [' two spaces  ', ' two spaces  '],
    ['\ufeff<!doctype html>', '\ufeff<!doctype html>'],
    ['data: x\nid: 7\n\nevent: gap', 'data: x\nid: 7\n\nevent: gap'],
    [':comment', ':comment'],
    ['a\u0000b\u0085c\u2028d', 'a\u0000b\u0085c\u2028d'],
    ['half \ud83e of a fox', 'half \ufffd of a fox'],
    ['\ud83e\r\n\udd8a', '\ufffd\n\ufffd'],
  ])('brings the text %j as %j', (text, received) => {
    expect(parse(rawFrame(logged(JSON.stringify(text)), 'k3f9'))).toEqual([
      { event: 't', data: received, id: '42-k3f9' },
    ])
  })

  test('brings the string of SQL that has white space around it', () => {
    expect(parse(rawFrame(logged(' \n\t"a\\u0041"\r\n'), 'k3f9'))[0]?.data).toBe('aA')
  })

  test('comes out of an independent parser as the text that went in, whatever the text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('\r', '\n', '\r\n', ' ', ':', '\ufeff', '🦊', '\ud83e', 'data: ', '\u0000'),
    )
    fc.assert(
      fc.property(
        fc.array(
          fc.array(piece).map((pieces) => pieces.join('')),
          { minLength: 1, maxLength: 4 },
        ),
        (texts) => {
          const frames = texts.map((text, index) => rawFrame(logged(JSON.stringify(text), 't', index + 1), 'e'))
          expect(parse(concatenate(frames)).map(({ data }) => data)).toEqual(texts.map(asReceived))
        },
      ),
    )
  })

  test('of a mebibyte takes few milliseconds, also of nothing but line breaks', () => {
    for (const text of ['\n'.repeat(2 ** 19 - 1), '\r\n'.repeat(2 ** 18 - 1), '<li>é</li>\n'.repeat(80_000)]) {
      const durations = Array.from({ length: 12 }, () => {
        const data = JSON.stringify(text)
        const start = process.cpuUsage()
        rawFrame(logged(data), 'k3f9')
        return process.cpuUsage(start).user / 1000
      })
      // Time of the processor, so that a busy machine does not count. Measured: 5 to 15 ms.
      expect(Math.min(...durations)).toBeLessThan(50)
    }
  })
})
