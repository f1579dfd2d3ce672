import { CONTROL_EVENTS } from '../protocol/control-events.ts'
import type { Transport } from '../protocol/transport.ts'
import { openConnection } from '../verification/open-connection.ts'
import { until } from './until.ts'

/** A frame, with its data. */
export interface ReadFrame {
  /** Position of its id; `-1` without one. */
  position: number
  /** Its id. */
  cursor: string
  event: string
  /** Of an event of the log, what was published; of a control event, its data. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  data: any
}

/** A connection that is being read, by any transport, with all that it has received. */
export interface TransportReader extends Disposable {
  /** All frames so far, without heartbeats. */
  readonly frames: readonly ReadFrame[]
  /** The log's events among them. */
  readonly events: readonly ReadFrame[]
  /** Resolves when `count` events of the log have arrived. */
  untilEvents(count: number): Promise<void>
  /** Resolves when a frame of this name has arrived. */
  frame(event: string): Promise<ReadFrame>
  /** Stops reading. */
  pause(): void
  resume(): void
  close(): void
}

/** The data of a frame's text, which each transport writes in its own way: of an event of the log, its envelope. */
const DATA_OF: Record<Transport, (text: string) => unknown> = {
  sse: (text) => JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? 'null'),
  websocket: (text) => JSON.parse(text).data,
  poll: (text) => JSON.parse(text),
}

const isControl = (event: string) => event in CONTROL_EVENTS

/**
 * Opens a connection of a verifier, and resolves when it is ready: unlike `fetch` and `WebSocket`, it can stop reading.
 *
 * @param cursor to resume after
 * @throws {Error} when it does not open
 */
export async function openTransport(
  transport: Transport,
  url: string,
  channels: readonly string[],
  cursor?: string,
): Promise<TransportReader> {
  const frames: ReadFrame[] = []
  let problem = ''
  const connection = openConnection(transport, {
    url: `${url}/events?${new URLSearchParams(channels.map((channel) => ['channel', channel]))}`,
    cursor,
    onFrame({ id, cursor: at, event, text }) {
      if (event === 'heartbeat') return
      const data = DATA_OF[transport](text) as { data: unknown }
      frames.push({ position: id, cursor: at, event, data: isControl(event) ? data : data.data })
    },
    onClose(reason) {
      problem = reason
    },
  })
  const eventsOf = () => frames.filter(({ event }) => !isControl(event))
  const find = (name: string) => async () => {
    if (problem !== '') throw new Error(`the connection has ended: ${problem}`)
    return frames.find(({ event }) => event === name)
  }
  const reader: TransportReader = {
    frames,
    get events() {
      return eventsOf()
    },
    untilEvents: async (count) => {
      await until(
        `${count} events`,
        () => eventsOf().length,
        (length) => length >= count,
      )
    },
    frame: async (event) => (await until(`a frame ${event}`, find(event))) as ReadFrame,
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
    [Symbol.dispose]: () => connection.close(),
  }
  await reader.frame('ready')
  return reader
}
