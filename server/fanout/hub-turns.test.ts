import { expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { createLogger } from '../platform/logger.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { SSE } from '../transports/sse/encoding.ts'
import { Hub } from './hub.ts'
import { RecentEvents } from './recent-events.ts'
import { createSelection } from './selection.ts'

/** Milliseconds of one step of catching up: two of them are longer than a slice. */
const STEP = 4

test('streams that catch up at once share the turns of the event loop', async () => {
  let steps = 0
  const hub = new Hub({
    recent: new RecentEvents(1, 2 ** 20, 'e1'),
    replay: {
      next() {
        Bun.sleepSync(STEP)
        steps++
        return { events: 0, cursor: 1 }
      },
      forget() {},
    },
    telemetry: SILENT,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
    flushInterval: 5,
    heartbeat: 15_000,
    stallTimeout: 60_000,
    retry: 2000,
    maxConnections: 1000,
    instance: 'i',
  })
  for (let stream = 0; stream < 10; stream++) {
    const sink = { wantsMore: true, write() {}, close() {} }
    const start = { clientId: null, cursor: 0, resumed: true, oldest: 1 }
    const cursor = hub.open({
      selection: createSelection([`a.${stream}`]),
      encoding: SSE,
      sink,
      transport: 'sse',
      ...start,
    })
    void cursor.advance()
  }
  // Those of the turn in which they were opened.
  let most = steps
  let before = steps
  while (steps < 10) {
    await setImmediate()
    most = Math.max(most, steps - before)
    before = steps
  }
  expect(most).toBeLessThanOrEqual(4)
  hub.stop()
})
