import { codeOf } from '../platform/errors.ts'

/** SQLSTATE of `sse.append_events`: idempotency keys were used for other events (migrations/0010_sql_trust_boundary.sql). */
const KEY_REUSED = 'SE001'

/** An event whose idempotency key stands for another event. Indexes count from 0 over all events of the transaction. */
export interface KeyConflict {
  event: number
  /** The earlier event of the same transaction with the key; `undefined` when the log holds it. */
  other: number | undefined
}

/** The conflicts for which Postgres refused a transaction, in the order of the events; `undefined` for other errors. */
export function keyConflictsOf(error: unknown): KeyConflict[] | undefined {
  if (codeOf(error) !== KEY_REUSED) return undefined
  const { detail } = error as { detail: string }
  return detail.split(' ').map((pair) => {
    const [event, other] = pair.split(':').map(Number) as [number, number]
    return { event: event - 1, other: other === 0 ? undefined : other - 1 }
  })
}

/**
 * Which requests of a group the conflicts are the fault of, each with the index of its first event in conflict. A conflict
 * with an event of a request that is refused itself decides nothing: that event will not be there.
 *
 * @param sizes how many events each request has, in the order of the transaction
 */
export function requestsInConflict(conflicts: readonly KeyConflict[], sizes: readonly number[]): Map<number, number> {
  const requests = sizes.flatMap((size, request) => Array.from({ length: size }, (_, index) => ({ request, index })))
  const refused = new Map<number, number>()
  for (const { event, other } of conflicts) {
    const own = requests[event]
    if (!own || refused.has(own.request)) continue
    const first = other === undefined ? undefined : requests[other]
    if (first === undefined || !refused.has(first.request)) refused.set(own.request, own.index)
  }
  return refused
}
