import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { createRandom } from '../../../server/platform/random.ts'
import { addressesFor } from './addresses.ts'
import { LabSession } from './lab-session.ts'
import type { LabStream } from './lab-stream.ts'

interface Publication {
  key: string
  numbers: number[]
}

/** A server that keeps every stream open and numbers positions from 1; `failures` are given first. */
class FakeServer {
  readonly opened: string[] = []
  readonly published: Publication[] = []
  failures: (Response | Error)[] = []
  readonly #controllers: ReadableStreamDefaultController<Uint8Array>[] = []
  #position = 0

  readonly fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    if (init.method !== 'POST') return this.#stream(url, init.signal)
    const events = JSON.parse(String(init.body)) as { data: { n: number } }[]
    const headers = init.headers as Record<string, string>
    this.published.push({ key: headers['idempotency-key'] ?? '', numbers: events.map(({ data }) => data.n) })
    const failure = this.failures.shift()
    if (failure instanceof Error) throw failure
    if (failure) return failure
    return Response.json({ positions: events.map(() => ++this.#position) })
  }

  send(frame: string): void {
    for (const controller of this.#controllers) controller.enqueue(new TextEncoder().encode(`${frame}\n\n`))
  }

  #stream(url: string, signal: AbortSignal | null | undefined): Response {
    this.opened.push(url)
    return new Response(
      new ReadableStream({
        start: (controller) => {
          this.#controllers.push(controller)
          signal?.addEventListener('abort', () => controller.error(signal.reason))
        },
      }),
    )
  }
}

let server: FakeServer
let session: LabSession
const { fetch } = globalThis

beforeEach(() => {
  server = new FakeServer()
  globalThis.fetch = server.fetch as typeof globalThis.fetch
  const addresses = addressesFor(new URL('http://localhost:8080/lab'), 'http/1.1', true)
  session = new LabSession(() => addresses, createRandom(5))
})
afterEach(() => {
  session.closeAll()
  globalThis.fetch = fetch
  jest.useRealTimers()
})

const open = (count: number) => session.open({ count, channels: [session.channel, 'a.>'], cursor: '', port: undefined })
const settle = async () => {
  for (let count = 0; count < 40; count++) await Promise.resolve()
}

describe('a lab session', () => {
  test('opens as many streams as the browser can, over all calls', () => {
    expect([open(200), open(100), open(1)]).toEqual([200, 40, 0])
    expect(session.figures().streams).toHaveLength(240)
  })

  test('gives each stream a number and an address, and begins again after all are closed', async () => {
    open(6)
    await settle()
    expect(server.opened.map((url) => new URL(url).hostname)).toEqual([
      ...Array.from({ length: 5 }, () => 's0.localhost'),
      's1.localhost',
    ])
    session.closeAll()
    expect(session.figures().streams).toEqual([])
    open(1)
    expect(session.figures().streams[0]?.number).toBe(0)
  })

  test('publishes numbered events in batches of 100, each under a key of its own', async () => {
    await session.burst(250)
    await session.burst(1)
    expect(server.published.map(({ numbers }) => [numbers.length, numbers[0]])).toEqual([
      [100, 0],
      [100, 100],
      [50, 200],
      [1, 250],
    ])
    expect(new Set(server.published.map(({ key }) => key)).size).toBe(4)
    expect([session.figures().sent, session.figures().acknowledged]).toEqual([251, 251])
  })

  test('publishes again under the same key when there was no response, or a failure of the server', async () => {
    jest.useFakeTimers()
    server.failures = [new Error('no network'), new Response(null, { status: 503 })]
    const done = session.burst(2)
    for (let attempt = 0; attempt < 2; attempt++) {
      await settle()
      jest.advanceTimersByTime(500)
    }
    await done
    expect(server.published.map(({ numbers }) => numbers)).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ])
    expect(new Set(server.published.map(({ key }) => key)).size).toBe(1)
    expect(session.figures().acknowledged).toBe(2)
  })

  test('fails when the server refuses to publish', async () => {
    server.failures = [new Response(null, { status: 422 })]
    await expect(session.burst(1)).rejects.toThrow('refuses to publish (422)')
    expect([session.figures().sent, session.figures().acknowledged]).toEqual([1, 0])
  })

  test('chooses about a share of the streams', () => {
    open(200)
    const chosen: LabStream[] = []
    session.each((stream) => chosen.push(stream), 1 / 3)
    expect(chosen.length).toBeGreaterThan(40)
    expect(chosen.length).toBeLessThan(95)
    chosen.length = 0
    session.each((stream) => chosen.push(stream))
    expect(chosen).toHaveLength(200)
  })

  test('adds the figures of all streams up', async () => {
    open(3)
    await settle()
    await session.burst(2)
    expect(session.figures()).toMatchObject({
      delivered: 0,
      outstanding: 6,
      missing: 0,
      p50: undefined,
      p99: undefined,
    })
    expect(session.figures().streams[0]).toMatchObject({ position: undefined, lag: undefined, state: 'connecting' })
    server.send('event: ready\ndata: {"instance":"i","heartbeat":1000,"cursor":"0-e"}\nid: 0-e')
    const frame = (n: number, id: string) =>
      `data: ${JSON.stringify({ channel: session.channel, type: 't', data: { n, at: Date.now() } })}\nid: ${id}`
    server.send(frame(0, '1-e'))
    await settle()
    expect(session.figures()).toMatchObject({ delivered: 3, outstanding: 3, missing: 0, duplicated: 0, reordered: 0 })
    expect(session.figures().streams[2]).toMatchObject({
      number: 2,
      state: 'live',
      instance: 'i',
      channels: `${session.channel}, a.>`,
      position: 1,
      received: 1,
    })
    server.send(frame(0, '1-e'))
    server.send('event: heartbeat\ndata: {}\nid: 5-e')
    await settle()
    // Number 1 is at position 2, and the streams are past it.
    expect(session.figures()).toMatchObject({ delivered: 3, outstanding: 0, missing: 3, duplicated: 3 })
  })

  test('counts latencies in bars and percentiles, until they are reset', async () => {
    open(1)
    await settle()
    const at = (ago: number, n: number) =>
      server.send(
        `data: ${JSON.stringify({ channel: 'lab.x', type: 't', data: { n, at: Date.now() - ago } })}\nid: ${n}`,
      )
    jest.useFakeTimers({ now: 1_000_000 })
    at(3, 1)
    at(3, 2)
    at(7000, 3)
    await settle()
    const { bars, p50, p99 } = session.figures()
    expect(bars).toEqual([0, 2, 0, 0, 0, 0, 0, 0, 0, 1])
    expect([Math.round(p50 ?? 0), Math.round((p99 ?? 0) / 1000)]).toEqual([3, 7])
    session.resetLatencies()
    expect(session.figures()).toMatchObject({
      p50: undefined,
      p99: undefined,
      bars: Array.from({ length: 10 }, () => 0),
    })
  })
})
