import type { LoggedEvent, NewEvent } from '../protocol/event.ts'

/** What Postgres reports of events that were appended; a row of `sse.append_logged`. */
export interface AppendReport {
  /** Of each event, in order. Of one whose key was in the log already, that of the first with the key. */
  positions: number[]
  /** Epoch of the positions. */
  epoch: string
  /** When the events entered the log. */
  time: Date
  /** The positions after it are the ones that were appended. */
  positionBefore: number | null
  /** When the event at that position entered the log; `null` when it is not there. */
  timeBefore: Date | null
}

/** Events that this instance has committed: what a read after `position` would have returned. */
export interface Commit {
  /** Position of the event before the first. */
  position: number
  /** When that event entered the log; `null` when it is not there. */
  timeBefore: Date | null
  epoch: string
  /** Dense, in order; at least one. */
  events: readonly LoggedEvent[]
}

/** The events of an append, as a read would return them; `undefined` when they were in the log before, or are not dense. */
export function toCommit(events: readonly NewEvent[], report: AppendReport): Commit | undefined {
  const { positions, epoch, time, positionBefore, timeBefore } = report
  if (positionBefore === null) return undefined
  const logged: LoggedEvent[] = []
  for (const [index, event] of events.entries()) {
    const position = positions[index] ?? 0
    // An earlier event with the same key, of the log or of this append.
    if (position <= positionBefore + logged.length) continue
    if (position !== positionBefore + logged.length + 1) return undefined
    logged.push(toLogged(event, position, time))
  }
  return logged.length > 0 ? { position: positionBefore, timeBefore, epoch, events: logged } : undefined
}

const toLogged = ({ channel, type, data, origin }: NewEvent, position: number, time: Date): LoggedEvent => ({
  position,
  channel: asStored(channel),
  type: asStored(type),
  data: asStored(data),
  time,
  origin: origin === null ? null : asStored(origin),
})

/**
 * A text as it comes back from Postgres: in UTF-8, which has no lone surrogates, and with memory of its own. A part of a request's body
 * would keep the whole body in memory for as long as it lives.
 */
const asStored = (text: string): string => Buffer.from(text).toString()
