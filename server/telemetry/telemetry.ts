import type { Transport } from '../protocol/transport.ts'

/** Why streams end, as it appears in the `reason` label of metrics. */
export const CLOSE_REASONS = ['client', 'replaced', 'stalled', 'shutdown', 'error', 'expired', 'revoked'] as const

/** One of {@link CLOSE_REASONS}. */
export type CloseReason = (typeof CLOSE_REASONS)[number]

/** Why request bodies are refused, as it appears in the `reason` label of metrics. */
export const BODY_REFUSALS = ['too_slow', 'too_many', 'overloaded'] as const

/** One of {@link BODY_REFUSALS}. */
export type BodyRefusal = (typeof BODY_REFUSALS)[number]

/** Limits of a subject, of an address and of the process, as they appear in the `limit` label of metrics. */
export const LIMITS = [
  'streams_per_subject',
  'streams_per_address',
  'publish_rate',
  'request_rate',
  'pattern_rate',
  'socket_messages',
  'streams',
  'tasks_per_owner',
  'open_files',
] as const

/** One of {@link LIMITS}. */
export type Limit = (typeof LIMITS)[number]

/** What the parts of an instance report while they work. A verb is called once for each occurrence, and never throws. */
export interface Telemetry {
  connectionOpened(transport: Transport): void
  connectionClosed(transport: Transport, reason: CloseReason): void
  /**
   * Streams were given events: called once for each flush of an audience and each step of a replay.
   *
   * @param events an event counts once for each stream that was given it
   * @param bytes as encoded, of all streams together
   */
  delivered(events: number, bytes: number): void
  /** Events were committed to the log over HTTP. */
  published(events: number): void
  bodyRefused(reason: BodyRefusal): void
  /** A stream, a request or connections were refused because of a limit. */
  limitReached(limit: Limit): void
  /** Events were found missing from the log. Each is reported once. */
  lostEvents(count: number): void
}

/** Reports nothing: for tests, and for parts that run outside an instance. */
export const SILENT: Telemetry = {
  connectionOpened() {},
  connectionClosed() {},
  delivered() {},
  published() {},
  bodyRefused() {},
  limitReached() {},
  lostEvents() {},
}
