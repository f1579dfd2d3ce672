import type { Encoding } from '../../fanout/encoding.ts'
import type { DataForm } from '../request.ts'
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
import { rawFrame } from './raw-frame.ts'

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

/** An event stream whose data is the published value itself (`data=raw`). Control events are the same. */
const RAW_SSE: Encoding = {
  ...SSE,
  name: 'sse-raw',
  event: (event, epoch) => rawFrame(event, epoch),
}

/** The same without any `event:` line of events (`data=raw&named=false`). */
const UNNAMED_RAW_SSE: Encoding = {
  ...SSE,
  name: 'sse-raw-unnamed',
  event: (event, epoch) => rawFrame(event, epoch, false),
}

/** The encoding of a stream. @param isNamed whether events have an `event:` line */
export function sseEncoding(data: DataForm, isNamed: boolean): Encoding {
  if (data === 'raw') return isNamed ? RAW_SSE : UNNAMED_RAW_SSE
  return isNamed ? SSE : UNNAMED_SSE
}
