import { Type } from '@sinclair/typebox'
import type { Actor } from '../auth/actor.ts'
import { publishEvent } from '../log/outbox.ts'
import type { Sql } from '../platform/database.ts'

/** An event that says what a resource is after a change. */
export interface ChangeEvent {
  channel: string
  /** Such as `order.paid`: the part before the dot is the name of the resource in the data. */
  type: `${string}.${string}`
  /** The resource after the change. */
  resource: unknown
  /** The members that differ from before. */
  changed: readonly string[]
}

/** The schema of `changed` in the data of a change. */
export const ChangedMembers = (example: readonly string[]) =>
  Type.Array(Type.String(), { description: 'the members that differ from before', examples: [[...example]] })

const dataOf = ({ type, resource, changed }: ChangeEvent) => ({ [type.slice(0, type.indexOf('.'))]: resource, changed })

/** Publishes a change when its transaction commits. @param actor whose page does not receive the event; none by default */
export const publishChange = (sql: Sql, event: ChangeEvent, actor?: Actor): Promise<void> =>
  publishEvent(sql, {
    channel: event.channel,
    type: event.type,
    data: dataOf(event),
    origin: actor?.clientId ?? null,
  })

/** Publishes changes in one statement, when their transaction commits, to all clients. */
export async function publishChanges(sql: Sql, events: readonly ChangeEvent[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    channel: event.channel,
    type: event.type,
    data: JSON.stringify(dataOf(event)),
  }))
  await sql`
    select sse.publish(e->>'channel', e->>'type', e->>'data')
    from jsonb_array_elements(${JSON.stringify(rows)}::text::jsonb) e`
}

/**
 * The state that the event of a deletion carries: as it was, with the next version, so that clients apply it after the
 * state that they have.
 */
export const deletedState = <T extends { version: number }>(row: T): T => ({ ...row, version: row.version + 1 })
