import type { EventLog } from '../log/log.ts'
import { databaseUnavailable } from '../platform/database-errors.ts'
import type { Gap } from '../protocol/control-events.ts'
import { gapAfter } from '../protocol/control-events.ts'
import { concatenate, eventFrame, withoutName } from '../transports/sse/frame.ts'
import { Shared } from './lru-cache.ts'
import type { FramedEvent, Window } from './recent-events.ts'
import { createMatcher, type Selection } from './selection.ts'

/** What a connection that is behind gets next. */
export interface ReplayStep {
  /** Shared with others: not to be changed. Missing when nothing was for this connection. */
  chunk?: Uint8Array<ArrayBuffer> | undefined
  /** Up to here the connection has everything of its channels. */
  cursor: number
  /** Comes before the chunk. */
  gap?: Gap | undefined
}

export interface ReplayRequest {
  cursor: number
  /** Last position wanted. */
  through: number
  selection: Selection
  /** Whose events are left out. */
  clientId: string | null
}

/** Reads what lies after a cursor: from the window while it reaches back that far, else from the log. */
export interface Replay {
  next(request: ReplayRequest): ReplayStep | Promise<ReplayStep>
  /** Forgets what is shared: the log is another one. */
  forget(): void
}

/** Events after a cursor, for everybody with the same selection. */
interface Part {
  events: readonly Omit<FramedEvent, 'channel'>[]
  /** All of them together. */
  chunk: Uint8Array<ArrayBuffer> | undefined
  cursor: number
  gap?: Gap | undefined
  /** Ended by its size and not by the end of what there is: it will always be the same. */
  isComplete: boolean
}

/** Bytes of one step: what a slow reader holds in memory, at most (a single larger event apart). */
const STEP_BYTES = 64 * 2 ** 10
/** Events looked at in one step from the window, so that a quiet channel does not hold everybody up. */
const STEP_EVENTS = 4000
const LOG_STEP_EVENTS = 1000
/** Steps that are remembered: those who come back at once are near each other. */
const SHARED_STEPS = 256

export function createReplay(window: Window, log: EventLog): Replay {
  const fromWindow = new Shared<Part>(SHARED_STEPS)
  const fromLog = new Shared<Promise<Part>>(SHARED_STEPS)
  const fromWindowOrLog = (request: ReplayRequest) => {
    const { cursor, selection, clientId } = request
    const key = `${cursor} ${selection.name}`
    if (cursor >= window.tail) {
      const part = fromWindow.get(key) ?? readWindow(window, request)
      if (part.isComplete) fromWindow.set(key, part)
      return toStep(part, clientId)
    }
    // Also while it is being read: a thousand who come back to the same place cost one query.
    const reading = fromLog.get(key) ?? readLog(log, request)
    fromLog.set(key, reading)
    const drop = () => fromLog.delete(key, reading)
    reading.then((part) => part.isComplete || drop(), drop)
    return reading.then((part) => toStep(part, clientId))
  }
  return {
    next: fromWindowOrLog,
    forget() {
      fromWindow.clear()
      fromLog.clear()
    },
  }
}

/** The part as it is for all, or built anew without what its own page caused. */
function toStep({ events, chunk, cursor, gap }: Part, clientId: string | null): ReplayStep {
  if (clientId === null || events.every(({ origin }) => origin !== clientId)) return { chunk, cursor, gap }
  const others = events.filter(({ origin }) => origin !== clientId)
  return { chunk: toChunk(others), cursor, gap }
}

const toChunk = (events: Part['events']) =>
  events.length > 0 ? concatenate(events.map(({ frame }) => frame)) : undefined

function readWindow(window: Window, { cursor, through, selection }: ReplayRequest): Part {
  const isWanted = createMatcher(selection.patterns)
  const events: FramedEvent[] = []
  const end = Math.min(through, cursor + STEP_EVENTS)
  let bytes = 0
  let position = cursor
  while (position < end && bytes < STEP_BYTES) {
    const event = window.at(++position)
    if (!event || !isWanted(event.channel)) continue
    events.push(selection.named ? event : { ...event, frame: withoutName(event.frame) })
    bytes += event.frame.byteLength
  }
  return { events, chunk: toChunk(events), cursor: position, isComplete: position < through }
}

async function readLog(log: EventLog, { cursor, through, selection }: ReplayRequest): Promise<Part> {
  const { patterns, named } = selection
  const page = await log.read({ after: cursor, through, limit: LOG_STEP_EVENTS, maxBytes: STEP_BYTES, patterns })
  const gap = gapAfter(cursor, page)
  // A log that was set back: when the feed has found out, everybody is told.
  if (gap?.reason === 'unknown') throw databaseUnavailable(new Error('the log was set back'))
  const events = page.events.map((event) => ({
    position: event.position,
    origin: event.origin,
    frame: named ? eventFrame(event) : withoutName(eventFrame(event)),
  }))
  const reached = Math.max(page.cursor, page.oldest - 1)
  return { events, chunk: toChunk(events), cursor: reached, gap, isComplete: gap === undefined && reached < through }
}
