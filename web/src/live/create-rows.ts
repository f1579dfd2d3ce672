import { type Accessor, batch, createSignal } from 'solid-js'
import { createStore, produce, reconcile } from 'solid-js/store'
import type { StreamEvent } from '../sse/protocol.ts'
import { type Applied, type ApplyOptions, applyEvents, descending, mergeIds, type Row } from './apply-events.ts'

/** What rows are kept. */
export interface RowsOptions<T extends Row> extends Omit<ApplyOptions<T>, 'floor'> {
  /** Most rows: when there are more, the oldest are dropped. */
  max: () => number
  /** Receives the rows that were dropped. */
  onDropped?: ((rows: readonly T[]) => void) | undefined
}

/** Rows by id, and their order, as signals. */
export interface Rows<T extends Row> {
  /** By id. */
  rows: Readonly<Record<number, T>>
  /** Newest first. */
  ids: Accessor<readonly number[]>
  /** Replaces all rows, whatever versions they had. @param isPartial whether there are older ones that are not among these */
  replace: (rows: readonly T[], isPartial: boolean) => void
  /** Applies events, as one change. */
  apply: (events: readonly StreamEvent[]) => Applied<T>
  /** Takes a row, unless the one that is here is as new. */
  put: (row: T) => void
  /** Takes a row away. */
  remove: (id: number) => void
}

/** Creates an empty collection of rows. */
export function createRows<T extends Row>({ effectOf, isWanted, max, onDropped }: RowsOptions<T>): Rows<T> {
  const [rows, setRows] = createStore<Record<number, T>>({})
  const [ids, setIds] = createSignal<readonly number[]>([])
  /** Rows with smaller ids are not here, and their changes are not shown. */
  let floor = 0

  const dropOldest = () => {
    const all = ids()
    if (all.length <= max()) return
    const gone = all.slice(max())
    onDropped?.(gone.flatMap((id) => rows[id] ?? []))
    floor = all[max() - 1] ?? 0
    setIds(all.slice(0, max()))
    setRows(
      produce((before) => {
        for (const id of gone) delete before[id]
      }),
    )
  }
  const remove = (id: number) =>
    batch(() => {
      setIds((before) => before.filter((other) => other !== id))
      setRows(produce((all) => void delete all[id]))
    })
  return {
    rows,
    ids,
    replace(loaded, isPartial) {
      setRows(reconcile(Object.fromEntries(loaded.map((row) => [row.id, row])) as Record<number, T>))
      setIds(loaded.map(({ id }) => id).sort(descending))
      floor = isPartial ? (ids().at(-1) ?? 0) : 0
    },
    apply: (events) =>
      batch(() => {
        let applied: Applied<T> = { added: new Set(), removed: new Set(), arrivals: [], isStale: false }
        setRows(
          produce((all) => {
            applied = applyEvents(all, events, { effectOf, isWanted, floor })
          }),
        )
        setIds((before) => mergeIds(before, applied))
        if (applied.added.size > 0) dropOldest()
        return applied
      }),
    put(row) {
      if (row.version <= (rows[row.id]?.version ?? 0)) return
      if (!isWanted(row)) return remove(row.id)
      batch(() => {
        if (!rows[row.id]) setIds((before) => [row.id, ...before].sort(descending))
        setRows(row.id, row)
      })
    },
    remove,
  }
}
