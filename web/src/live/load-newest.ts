import type { Cursor } from '../sse/cursor.ts'

/** A page of a list. */
export interface Page<T> {
  /** Newest first. */
  rows: readonly T[]
  /** The cursor that it was read at. */
  cursor: Cursor
  /** Id before which the next page begins; `null` when there is none. */
  next: number | null
}

/**
 * Reads the newest rows, at least `count` where there are as many; `isPartial` when there are older ones. The cursor is that of
 * the first page: changes during the read of the others arrive over the stream.
 *
 * @param pageOf reads the page before an id; the first without one
 */
export async function loadNewest<T>(
  count: number,
  pageOf: (before?: number) => Promise<Page<T>>,
): Promise<{ rows: T[]; cursor: Cursor; isPartial: boolean }> {
  const first = await pageOf()
  const rows = [...first.rows]
  let { next } = first
  while (next !== null && rows.length < count) {
    const page = await pageOf(next)
    rows.push(...page.rows)
    next = page.next
  }
  return { rows, cursor: first.cursor, isPartial: next !== null }
}
