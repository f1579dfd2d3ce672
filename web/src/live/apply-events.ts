import type { StreamEvent } from '../sse/protocol.ts'

/** What a collection holds. */
export interface Row {
  /** Larger for newer rows. */
  id: number
  /** Grows with every change of the row: of two, the one with the larger version is the newer. */
  version: number
}

/** What an event does to the rows. */
export interface Effect<T extends Row> {
  /** The row as it is now. */
  put?: T
  /** Id of a row that no longer exists. */
  remove?: number
  /** The same change to several rows; when one of them is not here, all have to be read again. */
  patch?: { ids: readonly number[]; change: Partial<T> & { version: number } }
}

/** What is in a collection, and what an event means for it. */
export interface ApplyOptions<T extends Row> {
  /** What an event does; `undefined` when nothing. */
  effectOf: (event: StreamEvent) => Effect<T> | undefined
  /** Whether a row belongs here. */
  isWanted: (row: T) => boolean
  /** Rows with this id and smaller ones that are not here are older than what is shown, and stay out. */
  floor: number
}

/** What has changed. */
export interface Applied<T extends Row> {
  /** Ids that were not here before. */
  added: ReadonlySet<number>
  /** Ids that are no longer here. */
  removed: ReadonlySet<number>
  /** Each event that put a row, with the row, in the order of arrival. */
  arrivals: readonly (readonly [event: StreamEvent, row: T])[]
  /** Whether a change concerns a row that is not here. */
  isStale: boolean
}

/** Applies events to rows by id, which it changes in place. An event about an older version than a row has does nothing. */
export function applyEvents<T extends Row>(
  rows: Record<number, T>,
  events: readonly StreamEvent[],
  { effectOf, isWanted, floor }: ApplyOptions<T>,
): Applied<T> {
  const added = new Set<number>()
  const removed = new Set<number>()
  const arrivals: [StreamEvent, T][] = []
  let isStale = false
  const drop = (id: number) => {
    delete rows[id]
    added.delete(id)
    removed.add(id)
  }
  const put = (event: StreamEvent, row: T) => {
    const before = rows[row.id]
    if (row.version <= (before?.version ?? 0)) return
    if (!isWanted(row)) return drop(row.id)
    if (!before && row.id <= floor) return
    if (!before) added.add(row.id)
    removed.delete(row.id)
    rows[row.id] = row
    arrivals.push([event, row])
  }
  for (const event of events) {
    const effect = effectOf(event) ?? {}
    if (effect.put) put(event, effect.put)
    if (effect.remove !== undefined) drop(effect.remove)
    if (effect.patch && !patchRows(rows, effect.patch)) isStale = true
  }
  return { added, removed, arrivals, isStale }
}

/** Returns whether all rows are here. */
function patchRows<T extends Row>(
  rows: Record<number, T>,
  { ids, change }: { ids: readonly number[]; change: Partial<T> & { version: number } },
): boolean {
  let areAllHere = true
  for (const id of ids) {
    const row = rows[id]
    if (!row) areAllHere = false
    else if (row.version < change.version) rows[id] = { ...row, ...change }
  }
  return areAllHere
}

/** Ids after a change, newest first. @param ids as they were, newest first */
export function mergeIds<T extends Row>(
  ids: readonly number[],
  { added, removed }: Pick<Applied<T>, 'added' | 'removed'>,
): readonly number[] {
  if (added.size === 0 && removed.size === 0) return ids
  // An id that was removed and added again is among the added ones.
  const kept = ids.filter((id) => !removed.has(id) && !added.has(id))
  const newest = [...added].sort(descending)
  const all = [...newest, ...kept]
  // Nearly always the new ones are the newest; sorting all would cost each frame.
  const isInOrder = (newest.at(-1) ?? Number.POSITIVE_INFINITY) > (kept[0] ?? 0)
  return isInOrder ? all : all.sort(descending)
}

/** Order of ids: newest first. */
export const descending = (a: number, b: number): number => b - a
