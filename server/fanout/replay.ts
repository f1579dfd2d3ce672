import { LRUCache } from 'lru-cache'
import type { EventLog } from '../log/log.ts'
import { AppError } from '../platform/errors.ts'
import type { Gap } from '../protocol/control-events.ts'
import type { Chunk, Encoding } from './encoding.ts'
import type { RecentEvents } from './recent-events.ts'
import { createMatcher, type Selection } from './selection.ts'

/** What a cursor that is behind gets next. */
export interface ReplayStep {
  /** Shared with others: not to be changed. Missing when nothing was for this cursor. */
  chunk?: Chunk | undefined
  /** Events in the chunk. */
  events: number
  /** Up to here the cursor has everything of its channels. */
  cursor: number
  /** Comes before the chunk. */
  gap?: Gap | undefined
}

/** What a cursor that is behind asks for. */
export interface ReplayRequest {
  cursor: number
  /** Last position wanted. */
  through: number
  selection: Selection
  encoding: Encoding
  /** Whose events are left out. */
  clientId: string | null
}

/** Reads what lies after a cursor: from memory while it reaches back that far, else from the log. */
export interface Replay {
  next(request: ReplayRequest): ReplayStep | Promise<ReplayStep>
  /** Forgets what is shared: the log is another one. */
  forget(): void
}

/** Events after a cursor, for all streams with the same selection and encoding. */
interface Part {
  events: readonly { origin: string | null; chunk: Chunk }[]
  /** All of them together. */
  chunk: Chunk | undefined
  cursor: number
  gap?: Gap | undefined
  /** Ended by its size and not by the end of what there is: it will always be the same. */
  isComplete: boolean
}

/** Bytes of one step: what a slow reader holds in memory, at most (a single larger event apart). */
const STEP_BYTES = 64 * 2 ** 10
/** Events looked at in one step from memory, so that a quiet channel does not delay other streams. */
const STEP_EVENTS = 4000
const LOG_STEP_EVENTS = 1000
/** Steps that are remembered: those who come back at once are near each other. */
const SHARED_STEPS = 256

/** Replays from memory where it reaches back far enough, and from the log otherwise. Steps are shared by streams that read the same. */
export function createReplay(recent: RecentEvents, log: Pick<EventLog, 'read'>): Replay {
  const fromMemory = new LRUCache<string, Part>({ max: SHARED_STEPS })
  const fromLog = new LRUCache<string, Promise<Part>>({ max: SHARED_STEPS })
  const read = (request: ReplayRequest) => {
    const { cursor, selection, encoding } = request
    const key = `${cursor} ${encoding.name} ${selection.name}`
    if (cursor >= recent.tail) {
      const known = fromMemory.get(key)
      const part = known ?? readMemory(recent, request)
      if (!known && part.isComplete) fromMemory.set(key, part)
      return toStep(part, request)
    }
    const known = fromLog.get(key)
    const reading = known ?? readLog(log, recent, request)
    if (!known) {
      // Also while it is being read: a thousand clients that reconnect at the same position cost one query.
      fromLog.set(key, reading)
      const drop = () => void (fromLog.peek(key) === reading && fromLog.delete(key))
      reading.then((part) => part.isComplete || drop(), drop)
    }
    return reading.then((part) => toStep(part, request))
  }
  return {
    next: read,
    forget() {
      fromMemory.clear()
      fromLog.clear()
    },
  }
}

/** The part as it is for all streams, or built for one without the events that its own page caused. */
function toStep({ events, chunk, cursor, gap }: Part, { clientId, encoding }: ReplayRequest): ReplayStep {
  if (clientId === null || events.every(({ origin }) => origin !== clientId)) {
    return { chunk, events: events.length, cursor, gap }
  }
  const others = events.filter(({ origin }) => origin !== clientId)
  return { chunk: join(others, encoding), events: others.length, cursor, gap }
}

const join = (events: Part['events'], encoding: Encoding) =>
  events.length > 0 ? encoding.join(events.map(({ chunk }) => chunk)) : undefined

function readMemory(recent: RecentEvents, { cursor, through, selection, encoding }: ReplayRequest): Part {
  const isWanted = createMatcher(selection.patterns)
  const events: { origin: string | null; chunk: Chunk }[] = []
  const end = Math.min(through, cursor + STEP_EVENTS)
  let bytes = 0
  let position = cursor
  while (position < end && bytes < STEP_BYTES) {
    const event = recent.at(++position)
    if (!event || !isWanted(event.channel)) continue
    const chunk = recent.encode(event, encoding)
    events.push({ origin: event.origin, chunk })
    bytes += chunk.byteLength
  }
  return { events, chunk: join(events, encoding), cursor: position, isComplete: position < through }
}

const setBack = () => new AppError('database.unavailable', 'The log was set back.', { status: 503 })

async function readLog(
  log: Pick<EventLog, 'read'>,
  recent: RecentEvents,
  { cursor, through, selection, encoding }: ReplayRequest,
): Promise<Part> {
  const { patterns } = selection
  const { epoch } = recent
  const page = await log.read({ after: cursor, epoch, through, limit: LOG_STEP_EVENTS, maxBytes: STEP_BYTES, patterns })
  const { gap } = page
  // The log was restored or set back: when the feed has found out, all streams are notified.
  if (gap?.reason === 'unknown' || page.epoch !== recent.epoch || page.head < through) throw setBack()
  const events = page.events.map((event) => ({ origin: event.origin, chunk: encoding.event(event, page.epoch) }))
  const reached = Math.max(page.cursor, page.oldest - 1)
  return {
    events,
    chunk: join(events, encoding),
    cursor: reached,
    gap,
    isComplete: gap === undefined && reached < through,
  }
}
