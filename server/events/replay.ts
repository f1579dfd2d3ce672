import { databaseUnavailable } from '../platform/database-errors.ts'
import type { Selection } from './audience.ts'
import { eventFrame, type Gap, withoutName } from './frame.ts'
import { type EventLog, gapAfter } from './log.ts'
import type { Window } from './window.ts'

/** What a connection that is behind gets next. */
export interface ReplayStep {
  frames: Uint8Array<ArrayBuffer>[]
  /** Up to here the connection has everything of its channels. */
  cursor: number
  /** Comes before the frames. */
  gap?: Gap
}

export interface ReplayRequest {
  cursor: number
  /** Last position wanted. */
  through: number
  selection: Selection
  /** Whose events are left out. */
  clientId: string | null
}

/** Bytes of one step: what a slow reader holds in memory, at most (a single larger event apart). */
const STEP_BYTES = 64 * 2 ** 10
/** Events looked at in one step, so that a quiet channel in a long window does not hold everybody up. */
const STEP_EVENTS = 4000
/** The same for a step that costs a query. */
const LOG_STEP_BYTES = 256 * 2 ** 10
const LOG_STEP_EVENTS = 1000

/** Reads what lies after a cursor: from the window while it reaches back that far, else from the log. */
export type Replay = (request: ReplayRequest) => ReplayStep | Promise<ReplayStep>

export function createReplay(window: Window, log: EventLog): Replay {
  return (request) => (request.cursor >= window.tail ? fromWindow(window, request) : fromLog(log, request))
}

function fromWindow(window: Window, { cursor, through, selection, clientId }: ReplayRequest): ReplayStep {
  const frames: Uint8Array<ArrayBuffer>[] = []
  const end = Math.min(through, cursor + STEP_EVENTS)
  let bytes = 0
  let position = cursor
  while (position < end && bytes < STEP_BYTES) {
    const event = window.at(++position)
    if (!event || (clientId !== null && event.origin === clientId)) continue
    if (!selection.matches(event.channel)) continue
    frames.push(selection.named ? event.frame : withoutName(event.frame))
    bytes += event.frame.byteLength
  }
  return { frames, cursor: position }
}

async function fromLog(log: EventLog, { cursor, through, selection, clientId }: ReplayRequest): Promise<ReplayStep> {
  const { patterns, named } = selection
  const page = await log.read({ after: cursor, through, limit: LOG_STEP_EVENTS, maxBytes: LOG_STEP_BYTES, patterns })
  const gap = gapAfter(cursor, page)
  // A log that was set back: when the feed has found out, everybody is told.
  if (gap?.reason === 'unknown') throw databaseUnavailable(new Error('the log was set back'))
  const frames = page.events
    .filter(({ origin }) => clientId === null || origin !== clientId)
    .map((event) => (named ? eventFrame(event) : withoutName(eventFrame(event))))
  return { frames, cursor: Math.max(page.cursor, page.oldest - 1), ...(gap && { gap }) }
}
