import { integer } from './setting.ts'

/** Streams: their pace, and the memory that serves them. */
export const streamsSettings = {
  heartbeatMs: integer('HEARTBEAT_MS', {
    min: 100,
    max: 3_600_000,
    fallback: 15_000,
    unit: 'ms',
    doc: 'Time without an event on a stream after which a heartbeat is sent. Independently of it, a comment follows at most 4 s after the last byte, so that clients with a read timeout of 5 s stay connected.',
  }),
  flushIntervalMs: integer('FLUSH_INTERVAL_MS', {
    min: 0,
    max: 1000,
    fallback: 5,
    unit: 'ms',
    doc: 'Minimum interval between two writes to a stream. Events that arrive in between are sent in one write.',
  }),
  retryMs: integer('RETRY_MS', {
    min: 0,
    max: 600_000,
    fallback: 2000,
    unit: 'ms',
    doc: 'Reconnection time sent to clients (retry:). Each client gets a random value between this and twice this.',
  }),
  stallTimeoutMs: integer('STALL_TIMEOUT_MS', {
    min: 0,
    max: 3_600_000,
    fallback: 60_000,
    unit: 'ms',
    doc: 'Time after which a stream whose client has stopped reading is closed; 0 disables it.',
  }),
  windowBytes: integer('WINDOW_BYTES', {
    min: 0,
    max: 64 * 2 ** 30,
    fallback: 64 * 2 ** 20,
    unit: 'bytes',
    doc: 'Memory for the newest events, from which reconnecting clients are served without a query.',
  }),
} as const
