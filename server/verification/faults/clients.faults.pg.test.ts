// Clients that are slow, disappear, or reconnect all at once.

import { describe, expect, setSystemTime, test } from 'bun:test'
import { SECOND } from '../../platform/time.ts'
import { createDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'
import { StreamSocket } from '../stream-socket.ts'
import { Verification } from '../verification.ts'
import { deploy, expectClean, full, LASTING, metric, someTraffic, untilReadiness } from './deployment.ts'

describe('readers', () => {
  test('that stop reading catch up from memory and from the log, without a gap or a duplicate at either transition', async () => {
    // One megabyte of recent events: what the sockets did not accept is soon only in the log.
    await using deployment = await deploy({ settings: { WINDOW_BYTES: String(2 ** 20) } })
    await expectClean(
      deployment.urls,
      async (verification) => {
        // Some of what passes by is still in the window; of more, most is only in the log.
        for (const events of [full(80, 30), full(2400, 450)]) {
          await someTraffic(verification)
          const slow = verification.pick(full(20, 5))
          for (const subscriber of slow) subscriber.pause()
          const { sent } = verification.publications
          await until(`${events} events are published`, () => verification.publications.sent >= sent + events)
          for (const subscriber of slow) subscriber.resume()
        }
      },
      { connections: full(100, 20), rate: full(400, 150), size: full(6000, 20_000) },
    )
  })

  test('that make no progress are closed as stalled, and resume when they read again', async () => {
    await using deployment = await deploy({ instances: 1, settings: { STALL_TIMEOUT_MS: '500' } })
    const url = String(deployment.instances[0]?.url)
    await expectClean(
      deployment.urls,
      async (verification) => {
        const slow = verification.subscribers.slice(0, 3)
        for (const subscriber of slow) subscriber.pause()
        const stalled = () => metric(url, 'connections_closed_total', 'reason="stalled"')
        await until('three streams are closed as stalled', stalled, (count) => count >= 3, full(300_000, 50_000))
        for (const subscriber of slow) subscriber.resume()
        await someTraffic(verification)
      },
      // A poller's cursor has ended by then; WebSockets have tests of their own (`transports/websocket/closing.pg.test.ts`).
      { transports: ['sse'], connections: full(50, 10), rate: 300, size: 50_000, deliveries: full(100_000, 2000) },
    )
  })

  test('that are disconnected repeatedly get every event once', async () => {
    await using deployment = await deploy()
    const report = await expectClean(deployment.urls, async (verification) => {
      // The number of streams that a cut reaches depends on how many have reconnected since the one before.
      for (let times = 0; times < full(100, 20) || verification.reconnects <= full(500, 100); times++) {
        const before = verification.reconnects
        for (const subscriber of verification.pick(10)) subscriber.cut()
        await until('a stream has reconnected', () => verification.reconnects > before)
      }
    })
    expect(report.reconnects).toBeGreaterThan(full(500, 100))
  })

  test('behind a network that drops all packets notice by the missing heartbeat', async () => {
    await using deployment = await deploy()
    const [first] = deployment.proxies
    const report = await expectClean(deployment.urls, async (verification) => {
      await someTraffic(verification)
      first?.blackhole()
      await until('a stream has reconnected', () => verification.reconnects > 0)
      first?.flow()
    })
    expect(report.reconnects).toBeGreaterThan(0)
  })

  test('that reconnect all at once are served from memory: the number of queries does not grow with the number of clients', async () => {
    await using deployment = await deploy({
      instances: 1,
      settings: { POLL_INTERVAL_MS: '60000', OUTBOX_POLL_MS: '60000', HEARTBEAT_MS: '20000' },
    })
    const url = String(deployment.instances[0]?.url)
    const events = Array.from({ length: 300 }, (_, n) => ({ channel: 'storm', type: 'storm', data: { n } }))
    const [first = 0] = await publish(url, events)
    const queries = async () => {
      // Postgres writes the statistics of a connection that has become idle a second later, which nothing announces.
      await Bun.sleep(1500)
      const [row] = await deployment.database.sql<{ count: number }[]>`
        select xact_commit as count from pg_stat_database where datname = current_database()`
      return row?.count ?? 0
    }
    /** Queries per millisecond while nothing happens. */
    const idleRate = async () => {
      const [before, start] = [await queries(), performance.now()]
      await Bun.sleep(full(10, 2) * SECOND)
      return ((await queries()) - before) / (performance.now() - start)
    }
    const periodic = await idleRate()
    /** Queries that the clients have caused: those that the server repeats grow with the time that a storm takes. */
    const storm = async (clients: number) => {
      const [before, start] = [await queries(), performance.now()]
      const received = await Promise.all(
        Array.from({ length: clients }, () => readStorm(url, first - 1, events.length)),
      )
      expect(received.every((positions) => positions.every((position, index) => position === first + index))).toBe(true)
      return (await queries()) - before - periodic * (performance.now() - start)
    }
    const few = await storm(full(1000, 100))
    const many = await storm(full(10_000, 1000))
    expect(many).toBeLessThanOrEqual(few + 20)
  })
})

describe('a thousand clients that were disconnected for a long time', () => {
  test('catch up from the log without slowing publishers and other clients', async () => {
    await using deployment = await deploy({ instances: 1, settings: { WINDOW_BYTES: '0' } })
    const url = String(deployment.instances[0]?.url)
    const events = Array.from({ length: 1000 }, (_, n) => ({
      channel: 'storm',
      type: 'storm',
      data: { n, x: 'x'.repeat(500) },
    }))
    const positions: number[] = []
    for (let round = 0; round < full(10, 2); round++) positions.push(...(await publish(url, events)))
    const cursor = Number(positions[0]) - 1
    let hasCaughtUp = false
    const catchingUp = Promise.all(
      Array.from({ length: full(1000, 150) }, () => readStorm(url, cursor, positions.length)),
    ).finally(() => {
      hasCaughtUp = true
    })
    const report = await expectClean(
      deployment.urls,
      async (verification) => {
        while (!hasCaughtUp) {
          expect((await untilReadiness(url, () => true)).code).toBe(200)
          await someTraffic(verification, 1)
        }
      },
      { connections: 20, rate: 50, deliveries: 1000 },
    )
    for (const received of await catchingUp) expect(received).toEqual(positions)
    expect(report.retries).toBe(0)
  })
})

describe('overload', () => {
  test('further streams get closing with a reconnection time, and open streams are not affected', async () => {
    await using deployment = await deploy({ instances: 1, settings: { MAX_CONNECTIONS: String(full(200, 40)) } })
    const url = String(deployment.instances[0]?.url)
    const refusals = async (verification: Verification) => {
      await someTraffic(verification)
      // At once: repetitions are delayed.
      const responses = await Promise.all(Array.from({ length: 50 }, () => fetch(`${url}/events`)))
      for (const response of responses) {
        expect([response.status, response.headers.get('content-type')]).toEqual([
          200,
          'text/event-stream; charset=utf-8',
        ])
        expect(await response.text()).toMatch(/^event: closing\ndata: {"reason":"full","retry":(\d+)}\nretry: \1\n\n$/)
      }
    }
    // Between two requests, a poller leaves its place to others.
    await expectClean(deployment.urls, refusals, { transports: LASTING })
  })

  test('publishes beyond the limit of pending ones get 503 with Retry-After, and no acknowledged event is lost', async () => {
    await using deployment = await deploy({ instances: 1, settings: { MAX_PENDING_PUBLISHES: '5' } })
    const { postgres, urls } = deployment
    await expectClean(urls, async (verification) => {
      await someTraffic(verification)
      postgres.delay(200)
      const codes = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const response = await fetch(`${urls[0]}/events`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{"channel":"other","type":"t"}',
          })
          const { code } = (await response.json()) as { code?: string }
          return code === 'publish.overloaded' ? `${code} ${response.headers.get('retry-after')}` : response.status
        }),
      )
      expect(codes).toContain('publish.overloaded 1')
      postgres.delay(0)
    })
  })
})

describe("the server's clock", () => {
  test('jumps back an hour: heartbeats and events continue', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { HEARTBEAT_MS: '100' })
    const verification = new Verification({ urls: [instance.url], connections: 20, rate: 100 })
    await verification.start()
    await using reader = await openStream(instance.url, ['quiet'])
    try {
      setSystemTime(new Date(Date.now() - 3_600_000))
      await someTraffic(verification, 20)
      const seen = reader.frames.length
      await reader.until(({ frames }) => frames.slice(seen).filter(({ event }) => event === 'heartbeat').length >= 3)
    } finally {
      setSystemTime()
    }
    expect((await verification.finish()).isClean).toBe(true)
  })
})

/** Resumes a stream after a cursor and returns the positions of the first `count` events. */
function readStorm(url: string, cursor: number, count: number): Promise<number[]> {
  const positions: number[] = []
  return new Promise((resolve, reject) => {
    const socket = new StreamSocket({
      url: `${url}/events?channel=storm`,
      cursor: String(cursor),
      onFrame: ({ id, event }) => {
        if (event !== 'storm') return
        positions.push(id)
        if (positions.length === count) {
          resolve(positions)
          socket.close()
        }
      },
      onClose: (problem) => reject(new Error(problem)),
    })
  })
}
