import type { Sql } from '../platform/database.ts'
import type { Gap } from '../protocol/control-events.ts'
import { openStream, positionOf, publish } from './stream-reader.ts'

/** Appends events to channel `c` of a log, and returns the cursor after them, which a client has that has read them. */
export async function appendTo(sql: Sql, count: number): Promise<string> {
  await sql`
    select sse.append(array_fill('c'::text, array[${count}::int]), array_fill('t'::text, array[${count}::int]),
                      array_fill('1'::json, array[${count}::int]), array_fill(null::text, array[${count}::int]), null)`
  const [row] = await sql<{ cursor: string }[]>`select sse.cursor() as cursor`
  return row?.cursor ?? ''
}

/** What a client gets that resumes after a cursor: the gap, if there is one, and the positions of the events. */
export interface Resumed {
  gap: Gap | undefined
  positions: number[]
}

/** Resumes after a cursor, and reads up to an event that is published then. Pages of history must say the same. */
export async function resume(url: string, cursor: string): Promise<Resumed> {
  await using reader = await openStream(url, ['c'], { 'last-event-id': cursor })
  const history = await fetch(`${url}/events?channel=c&after=${cursor}`, { headers: { accept: 'application/json' } })
  const page = (await history.json()) as { gap?: Gap; events: unknown[]; cursor: string }
  const [last = 0] = await publish(url, [{ channel: 'c', type: 'last' }])
  await reader.until(({ events }) => events.some(({ position }) => position === last))
  const frame = reader.frames.find(({ event }) => event === 'gap')
  const gap = frame && (JSON.parse(frame.data) as Gap)
  if (gap?.reason !== page.gap?.reason)
    throw new Error(`the stream has ${frame?.data}, history ${JSON.stringify(page)}`)
  if (page.gap?.reason === 'unknown' && (page.events.length > 0 || positionOf(page.cursor) !== page.gap.to)) {
    throw new Error(
      `after an unknown gap a page has no events, and the next one begins behind it: ${JSON.stringify(page)}`,
    )
  }
  return { gap, positions: reader.events.map(({ position }) => position) }
}
