import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Histogram } from '../protocol/histogram.ts'
import { Publications, StreamLedger } from '../protocol/ledger.ts'
import {
  COMMENT,
  closingFrame,
  concatenate,
  eventFrame,
  gapFrame,
  heartbeatFrame,
  readyFrame,
  withoutName,
} from '../transports/sse/frame.ts'
import type { ScannedFrame } from './connection.ts'
import { FrameScanner } from './frame-scanner.ts'
import { ResponseDecoder } from './response-decoder.ts'

/** Calls `push` with the bytes in pieces that end at the given places. */
function inPieces(bytes: Uint8Array, cuts: readonly number[], push: (piece: Uint8Array) => void): void {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [index, end] of places.slice(1).entries()) push(bytes.subarray(places[index], end))
}

const event = (position: number) => ({
  position,
  channel: 'ä.b',
  type: 't',
  data: `{"n":${position}}`,
  time: new Date(0),
  origin: null,
})

describe('the scanner of frames', () => {
  test('finds what the server writes, at any split into chunks', () => {
    const bytes = concatenate([
      readyFrame(
        {
          connection: '1',
          instance: 'i',
          channels: ['ä.*'],
          cursor: '0-k3f9',
          oldest: 1,
          head: 0,
          resumed: false,
          heartbeat: 1000,
        },
        2000,
      ),
      COMMENT,
      eventFrame(event(1), 'k3f9'),
      withoutName(eventFrame(event(2), 'k3f9')),
      heartbeatFrame('2-k3f9', new Date(0)),
      COMMENT,
      COMMENT,
      gapFrame({ from: 2, to: 7, reason: 'purged' }, '7-k3f9'),
      eventFrame(event(8), 'k3f9'),
      closingFrame({ reason: 'drain', retry: 90 }, '8-k3f9'),
      closingFrame({ reason: 'full', retry: 91 }, undefined),
    ])
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (cuts) => {
        const frames: ScannedFrame[] = []
        const retries: number[] = []
        const scanner = new FrameScanner(
          (frame) => frames.push(frame),
          (ms) => retries.push(ms),
        )
        inPieces(bytes, cuts, (piece) => scanner.push(piece))
        expect(frames.map(({ id, event: name }) => [id, name])).toEqual([
          [0, 'ready'],
          [1, 't'],
          [2, 'message'],
          [2, 'heartbeat'],
          [7, 'gap'],
          [8, 't'],
          [8, 'closing'],
          [-1, 'closing'],
        ])
        expect(retries).toEqual([2000, 90, 91])
        expect(frames.map(({ cursor }) => Number.parseInt(cursor, 10) || 0)).toEqual([0, 1, 2, 2, 7, 8, 8, 0])
        expect(frames[5]?.text).toContain('"n":8')
      }),
    )
  })
})

test('the scanner of frames keeps the text of an id, and reads the position that it begins with', () => {
  const frames: ScannedFrame[] = []
  const scanner = new FrameScanner((frame) => frames.push(frame))
  scanner.push(new TextEncoder().encode('event: heartbeat\ndata: {}\nid: 42-k3f9\n\ndata: {}\n\n'))
  expect(frames.map(({ id, cursor }) => [id, cursor])).toEqual([
    [42, '42-k3f9'],
    [-1, ''],
  ])
})

describe('the decoder of responses', () => {
  const decode = (text: string, cuts: readonly number[]) => {
    let status = 0
    let body = ''
    let hasEnded = false
    const decoder = new ResponseDecoder({
      onHead: (code) => {
        status = code
      },
      onBody: (bytes) => {
        body += new TextDecoder('latin1').decode(bytes)
      },
      onEnd: () => {
        hasEnded = true
      },
    })
    inPieces(new TextEncoder().encode(text), cuts, (piece) => decoder.push(piece))
    return { status, body, hasEnded }
  }

  test('joins chunks, at any split', () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n11\r\n, 17 more\n\r\nbytes\r\n0\r\n\r\n'
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        expect(decode(text, cuts)).toEqual({ status: 200, body: 'hello, 17 more\n\r\nbytes', hasEnded: true })
      }),
    )
  })

  test('takes a body without chunks as it is', () => {
    expect(decode('HTTP/1.1 503 Service Unavailable\r\n\r\nlater', [3, 40])).toEqual({
      status: 503,
      body: 'later',
      hasEnded: false,
    })
  })

  test('ends with the bytes that the head announces', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length:'
    for (const cut of [3, 37, 40, 41]) {
      expect(decode(`${head} 5\r\n\r\nhello, more`, [cut])).toEqual({ status: 200, body: 'hello', hasEnded: true })
    }
    expect(decode(`${head} 5\r\n\r\nhell`, [])).toMatchObject({ body: 'hell', hasEnded: false })
    expect(decode(`${head} 0\r\n\r\n`, [])).toEqual({ status: 200, body: '', hasEnded: true })
  })
})

describe('a ledger', () => {
  const findings = (ledger: StreamLedger, of: Publications) => ({
    missing: ledger.missing(of),
    duplicated: ledger.duplicated,
    reordered: ledger.reordered,
  })

  const publications = new Publications()
  for (let n = 0; n < 100; n++) publications.acknowledge(publications.next(), n + 1)

  test('is clean when everything came once and in order', () => {
    const ledger = new StreamLedger()
    ledger.begin(0)
    for (let n = 0; n < 100; n++) ledger.receive(n, n + 1)
    expect(findings(ledger, publications)).toEqual({ missing: 0, duplicated: 0, reordered: 0 })
  })

  test('counts what is missing, duplicated and reordered', () => {
    const ledger = new StreamLedger()
    ledger.begin(0)
    for (const n of [0, 1, 1, 4, 3]) ledger.receive(n, n + 1)
    expect(findings(ledger, publications)).toEqual({ missing: 96, duplicated: 1, reordered: 1 })
  })

  test('does not miss what lay before its first cursor', () => {
    const ledger = new StreamLedger()
    ledger.begin(90)
    ledger.begin(95)
    for (let n = 90; n < 100; n++) ledger.receive(n, n + 1)
    expect(ledger.missing(publications)).toBe(0)
  })

  test('continues at a smaller position after the log was set back', () => {
    const ledger = new StreamLedger()
    ledger.begin(50)
    ledger.receive(59, 60)
    ledger.setBack(10)
    ledger.receive(10, 11)
    expect([ledger.delivered, ledger.reordered, ledger.lastPosition]).toEqual([2, 0, 11])
  })

  test('counts what it did not ask for', () => {
    const ledger = new StreamLedger((n) => n % 2 === 0)
    ledger.begin(0)
    for (let n = 0; n < 10; n++) ledger.receive(n, n + 1)
    expect([ledger.foreign, ledger.delivered, ledger.missing(publications)]).toEqual([5, 5, 45])
  })

  test('an event has one position, for all subscribers', () => {
    const own = new Publications()
    own.next()
    own.place(0, 7)
    own.acknowledge(0, 7)
    own.place(0, 7)
    expect(own.misplaced).toBe(0)
    own.place(0, 8)
    expect(own.misplaced).toBe(1)
  })

  test('that never began lacks everything', () => {
    expect(new StreamLedger().missing(publications)).toBe(100)
  })

  test('does not miss what was never acknowledged', () => {
    const own = new Publications()
    own.next()
    const ledger = new StreamLedger()
    ledger.begin(0)
    expect(ledger.missing(own)).toBe(0)
  })
})

describe('a histogram', () => {
  test('knows percentiles to two percent', () => {
    const histogram = new Histogram()
    for (let ms = 1; ms <= 10_000; ms++) histogram.record(ms)
    for (const fraction of [0.5, 0.9, 0.99]) {
      expect(Math.abs(histogram.percentile(fraction) / (fraction * 10_000) - 1)).toBeLessThan(0.021)
    }
    expect([histogram.max, histogram.percentile(1)]).toEqual([10_000, 10_000])
  })

  test('is zero while it is empty', () => {
    expect(new Histogram().percentile(0.99)).toBe(0)
  })
})
