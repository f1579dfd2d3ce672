import type { Encoding } from '../../fanout/encoding.ts'
import {
  authExpiringFrame,
  COMMENT,
  closingFrame,
  concatenate,
  eventFrame,
  gapFrame,
  heartbeatFrame,
  readyFrame,
  withoutName,
} from './frame.ts'

/** An event stream whose events have an `event:` line with their type. */
export const SSE: Encoding = {
  name: 'sse',
  event: eventFrame,
  ready: readyFrame,
  gap: gapFrame,
  heartbeat: heartbeatFrame,
  authExpiring: authExpiringFrame,
  comment: COMMENT,
  closing: closingFrame,
  join: concatenate,
}

/** An event stream whose events have no `event:` line (`named=false`): `onmessage` gets events of every type. */
export const UNNAMED_SSE: Encoding = {
  ...SSE,
  name: 'sse-unnamed',
  event: (event, epoch) => withoutName(eventFrame(event, epoch)),
}
