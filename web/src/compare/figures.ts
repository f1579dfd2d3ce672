import type { StreamState } from '../sse/protocol.ts'
import type { ActionKind, LedgerCounts } from './action.ts'
import type { KindId } from './kinds.ts'
import type { Lane } from './lane.ts'
import type { Verdict } from './verdict.ts'

/** One lane at a moment. */
export interface LaneFigures extends LedgerCounts {
  id: KindId
  state: StreamState['name']
  /** Why it is not connected, where the server gave a reason; empty otherwise. */
  reason: string
  /** Numbered events that arrived, duplicates included. */
  received: number
  /** Median latency in milliseconds; `undefined` while there is none. */
  p50: number | undefined
  /** 99th percentile of the latency in milliseconds; `undefined` while there is none. */
  p99: number | undefined
  /** Bytes received. */
  bytes: number
  bytesPerEvent: number | undefined
  requests: number
  /** Share of the time for which a connection was in use, from 0 to 1. */
  busy: number
  reconnects: number
  /** What the last action has shown; `undefined` before the first. */
  verdict: Verdict | undefined
  /** Milliseconds that the lane took to recover the last time something was broken; `undefined` before that. */
  recovery: number | undefined
}

/** All lanes at a moment. */
export interface Figures {
  lanes: readonly LaneFigures[]
  /** Events that were published. */
  sent: number
  /** Milliseconds since the start. */
  elapsed: number
  /** Why publishing does not work; empty when it does. */
  trouble: string
  /** Whether the server refuses to publish, so that nothing more will happen. */
  isOver: boolean
  /** Whether an action is under way. */
  isBusy: boolean
  /** The last action. */
  action: ActionKind | undefined
  /** Milliseconds until the action ends by itself. */
  left: number | undefined
  /** What the last action has shown on all lanes. */
  headline: Verdict | undefined
}

/** What a lane says of itself. @param elapsed milliseconds since the start @param now milliseconds of `performance.now()` */
export function figuresOf(
  { kind, state, latencies, meter, received, reconnects, closedAs }: Lane,
  counts: LedgerCounts,
  elapsed: number,
  now: number,
): Omit<LaneFigures, 'verdict' | 'recovery'> {
  const percentile = (fraction: number) => (latencies.count > 0 ? latencies.percentile(fraction) : undefined)
  return {
    id: kind.id,
    state: state.name,
    reason: state.name === 'refused' ? state.reason : state.name === 'waiting' ? closingText(closedAs) : '',
    received,
    p50: percentile(0.5),
    p99: percentile(0.99),
    bytes: meter.bytes,
    bytesPerEvent: received > 0 ? meter.bytes / received : undefined,
    requests: meter.requests,
    busy: Math.min(1, meter.busy(now) / Math.max(1, elapsed)),
    reconnects: Math.max(0, reconnects),
    ...counts,
  }
}

/** The reason of `closing` in words; empty for those that need none. */
function closingText(reason: string): string {
  if (reason === 'full' || reason === 'limit') return 'The server has too many streams. It is asked again later.'
  return reason === 'expired' || reason === 'revoked' ? 'The session has ended.' : ''
}
