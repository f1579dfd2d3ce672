import { setImmediate } from 'node:timers/promises'
import { Hub } from '../fanout/hub.ts'
import { RecentEvents } from '../fanout/recent-events.ts'
import { createSelection } from '../fanout/selection.ts'
import { createLogger } from '../platform/logger.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { SSE } from '../transports/sse/encoding.ts'
import { StreamSink } from '../transports/sse/stream-sink.ts'

/**
 * Creates a hub without a log and without sockets; `open` adds a stream whose text is passed to `onText`, and resolves
 * when it is live.
 *
 * @param heartbeat in milliseconds
 */
export function createInProcessHub(heartbeat = 15_000) {
  const hub = new Hub({
    recent: new RecentEvents(0, 2 ** 20, 'e1'),
    replay: { next: ({ cursor }) => ({ events: 0, cursor }), forget() {} },
    telemetry: SILENT,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
    flushInterval: 5,
    heartbeat,
    stallTimeout: 60_000,
    retry: 2000,
    maxConnections: 50_000,
    instance: 'i',
  })
  const selection = createSelection(['a'])
  const open = (onText: (text: string) => void): Promise<void> => {
    const opened = Promise.withResolvers<void>()
    const sink = new StreamSink(() => {})
    const { stream } = sink
    const start = { clientId: null, cursor: 0, resumed: false, oldest: 1 }
    const cursor = hub.open({ selection, encoding: SSE, sink, transport: 'sse', ...start })
    sink.attach(cursor)
    void (async () => {
      const decoder = new TextDecoder()
      for await (const bytes of stream) {
        while (!cursor.isLive) await setImmediate()
        opened.resolve()
        onText(decoder.decode(bytes))
      }
    })()
    return opened.promise
  }
  return { hub, open }
}
