// Instances are killed, drain and restart under load.

import { describe, expect, test } from 'bun:test'
import { openStream } from '../../testing/stream-reader.ts'
import { deploy, expectClean, full, LASTING, metric, someTraffic } from './deployment.ts'

describe('an instance', () => {
  test('is killed with open streams and publishes in progress: clients resume on others, and acknowledged events are there', async () => {
    await using deployment = await deploy({ instances: 3 })
    const { instances, urls, database } = deployment
    await using reader = await openStream(String(instances[2]?.url), ['relayed'])
    let relayed = 0
    await expectClean(urls, async (verification) => {
      for (let index = 0; index < 2; index++) {
        await someTraffic(verification)
        await instances[index]?.end('SIGKILL')
        // Whichever instance relayed the outbox, another one takes over.
        await database.sql`select sse.publish('relayed', 't', ${String(relayed++)})`
        await someTraffic(verification)
        await deployment.restart(index)
      }
    })
    await reader.untilEvents(relayed)
    expect(reader.events.map(({ data }) => data)).toEqual([0, 1])
  })

  test('all three restart one after the other under load: no burst of reconnects, and no event missing', async () => {
    const readers = full(3000, 900)
    await using deployment = await deploy({ instances: 3, settings: { RETRY_MS: String(RETRY) } })
    const restarts: { streams: number; waits: number[] }[] = []
    // A load balancer sends no requests to an instance that is not ready.
    const urls = [...deployment.urls]
    await expectClean(
      urls,
      async (verification) => {
        for (const [index, instance] of [...deployment.instances].entries()) {
          await someTraffic(verification)
          const streams = await metric(instance.url, 'connections', ' ')
          for (const { closings } of verification.subscribers) closings.length = 0
          const [url = ''] = urls.splice(0, 1)
          expect(await instance.end('SIGTERM')).toBe(0)
          await deployment.restart(index)
          const closings = verification.subscribers.flatMap((subscriber) => subscriber.closings)
          restarts.push({ streams, waits: closings.map(({ retry }) => retry) })
          urls.push(url)
        }
      },
      // The times depend on the number of streams; that of requests which wait changes all the time.
      { transports: LASTING, connections: readers, rate: full(100, 50), deliveries: full(100_000, 4000) },
    )
    for (const { streams, waits } of restarts) {
      expect(waits.length).toBeGreaterThan(0.9 * streams)
      // The times spread over the range for this number of streams, evenly: a third of them in a third of the range.
      const range = Math.min(RETRY, 75 + streams / 5)
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(Math.floor(range) - 1)
      expect(Math.max(...waits)).toBeLessThanOrEqual(Math.ceil(2 * range) + 1)
      expect(busiest(waits, range / 3)).toBeLessThan(waits.length / 2)
    }
  })
})

/** Milliseconds; see `RETRY_MS`. */
const RETRY = 200

/** The largest number of times within any span of `length` milliseconds. */
function busiest(times: readonly number[], length: number): number {
  const sorted = [...times].sort((a, b) => a - b)
  let most = 0
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while ((sorted[last] as number) - (sorted[first] as number) > length) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}
