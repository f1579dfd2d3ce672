/** A page of a list. */
export interface Page<T> {
  /** Newest first. */
  rows: readonly T[]
  cursor: string
  /** Id before which the next page begins; `null` when there is none. */
  next: number | null
}

/**
 * The newest rows, at least `count` where there are as many. The cursor is that of the first page: what happens while the
 * others are read comes over the stream.
 */
export async function loadNewest<T>(
  count: number,
  pageOf: (before?: number) => Promise<Page<T>>,
): Promise<{ rows: T[]; cursor: string; isPartial: boolean }> {
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
