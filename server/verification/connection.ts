/** A frame of a stream, scanned and not parsed: made for counting hundreds of thousands a second. */
export interface ScannedFrame {
  /** Position that the event's id begins with; `-1` when the frame has no id. */
  id: number
  /** The event's id as it is, a cursor; empty when the frame has none. */
  cursor: string
  /** `message` when the frame has no name. */
  event: string
  /** The frame's text, one byte a character. */
  text: string
}

/** What to follow, and what to call back with. */
export interface ConnectionOptions {
  /** The stream, such as `http://127.0.0.1:8080/events?channel=a`; `http` for WebSockets, too. */
  url: string
  /** Returns further headers: called for each request. */
  headers?: () => Record<string, string>
  /** Where to resume: the id of the last event. Without it, what is published from now on follows. */
  cursor?: string | undefined
  /** Seconds that a request of long-polling waits. Defaults to `10`. */
  wait?: number
  /** Receives each frame: those of the log, and `ready`, `gap`, `heartbeat`, `closing` and `auth-expiring`. */
  onFrame: (frame: ScannedFrame) => void
  /** Receives the reconnection time, in milliseconds, before the frame that has it. */
  onRetry?: (ms: number) => void
  /** Receives the number of bytes whenever some were sent or received: heads and frames included, without TLS and below. */
  onTraffic?: (bytes: number) => void
  /** Called once, with the reason: the connection ended, was cut or never opened. */
  onClose: (problem: string) => void
}

/** One connection of a subscriber, whatever the transport. */
export interface Connection {
  /** Whether the connection has ended, or never began. */
  readonly isClosed: boolean
  /** Stops reading: what the server sends stays in the network's buffers, and no further page is asked for. */
  pause(): void
  /** Reads again. */
  resume(): void
  /** Ends the connection at once, without notice. */
  close(): void
}
