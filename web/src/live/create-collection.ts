import { type Accessor, batch, createEffect, createSignal, on, onCleanup } from 'solid-js'
import { createStore, produce, reconcile } from 'solid-js/store'
import { createFollow, createStreamState } from '../sse/create-stream.ts'
import { positionOf } from '../sse/position-of.ts'
import type { Gap, StreamEvent } from '../sse/protocol.ts'
import { createBuffer } from './create-buffer.ts'
import { tellGap } from './notice.ts'
import { stream } from './stream.ts'

export interface Row {
  id: number
  version: number
}

/** Milliseconds until all is read anew: what many events ask for is done once. */
const STALE = 500

/** What an event does to the rows. */
export interface Effect<T extends Row> {
  put?: T
  remove?: number
  /** Changes of rows; when one of them is not here, all is read anew. */
  patch?: { ids: readonly number[]; change: Partial<T> & { version: number } }
}

export interface CollectionOptions<T extends Row> {
  /** The newest rows as they are now, and the cursor that they were read at; `isPartial` when there are older ones. */
  load: () => Promise<{ rows: T[]; cursor: string; isPartial: boolean; onTaken?: () => void }>
  /** Most rows: when more come, the oldest go. */
  max: () => number
  /** Called with those that go. */
  onDropped?: (rows: readonly T[]) => void
  channels: readonly string[]
  effectOf: (event: StreamEvent) => Effect<T> | undefined
  /** Whether a row belongs here; one that no longer does goes. Defaults to all. */
  isWanted?: (row: T) => boolean
}

export interface Collection<T extends Row> {
  /** By id. */
  rows: Readonly<Record<number, T>>
  /** Newest first. */
  ids: Accessor<readonly number[]>
  state: Accessor<'loading' | 'ready' | 'failed'>
  error: Accessor<string>
  /** Reads everything anew. */
  reload: () => void
  /** Takes a row that an answer brought: its event will be told apart by the version. */
  put: (row: T) => void
  remove: (id: number) => void
  /** Called with what came over the stream, once for each. */
  onArrival: (listener: (event: StreamEvent, row: T) => void) => void
}

/**
 * Rows that are read once and then follow the stream, from the cursor that they were read at: no hole, and what is told
 * again is recognised by its version. Many events a second become one change of the page a frame.
 */
export function createCollection<T extends Row>({
  load,
  max,
  onDropped,
  channels,
  effectOf,
  isWanted = () => true,
}: CollectionOptions<T>): Collection<T> {
  const [rows, setRows] = createStore<Record<number, T>>({})
  const [ids, setIds] = createSignal<readonly number[]>([])
  const [state, setState] = createSignal<'loading' | 'ready' | 'failed'>('loading')
  const [error, setError] = createSignal('')
  const [cursor, setCursor] = createSignal<number>()
  const listeners: ((event: StreamEvent, row: T) => void)[] = []
  /** Rows with smaller ids are not here, and what happens to them is not shown. */
  let floor = 0
  let staleness: ReturnType<typeof setTimeout> | undefined

  const apply = (events: readonly StreamEvent[]) => {
    let isStale = false
    const added = new Set<number>()
    const removed = new Set<number>()
    setRows(
      produce((all) => {
        for (const event of events) {
          const { put, remove, patch } = effectOf(event) ?? {}
          const isNews = put && put.version > (all[put.id]?.version ?? 0)
          const gone = isNews && !isWanted(put) ? put.id : remove
          if (gone !== undefined) {
            delete all[gone]
            added.delete(gone)
            removed.add(gone)
          } else if (isNews && (all[put.id] !== undefined || put.id > floor)) {
            if (!all[put.id]) added.add(put.id)
            removed.delete(put.id)
            all[put.id] = put
            for (const listener of listeners) listener(event, put)
          }
          for (const id of patch?.ids ?? []) {
            const row = all[id]
            if (!row) isStale = true
            else if (patch && row.version < patch.change.version) all[id] = { ...row, ...patch.change }
          }
        }
      }),
    )
    if (added.size > 0 || removed.size > 0) {
      // One that went and came again is among those that were added.
      const kept = ids().filter((id) => !removed.has(id) && !added.has(id))
      const newest = [...added].sort((a, b) => b - a)
      const all = [...newest, ...kept]
      const isInOrder = (newest.at(-1) ?? Number.POSITIVE_INFINITY) > (kept[0] ?? 0)
      setIds(isInOrder ? all : all.sort((a, b) => b - a))
      if (all.length > max()) drop(all)
    }
    if (isStale) staleness ??= setTimeout(() => void reload(), STALE)
  }
  const drop = (all: readonly number[]) => {
    const gone = all.slice(max())
    onDropped?.(gone.flatMap((id) => rows[id] ?? []))
    setIds(all.slice(0, max()))
    floor = all[max() - 1] ?? 0
    setRows(
      produce((before) => {
        for (const id of gone) delete before[id]
      }),
    )
  }
  const buffer = createBuffer<StreamEvent>((events) => batch(() => apply(events)))
  const lose = (gap: Gap) => {
    tellGap(gap)
    void reload()
  }
  let turn = 0
  const reload = async () => {
    clearTimeout(staleness)
    staleness = undefined
    const mine = ++turn
    setCursor(undefined)
    // What has come so far is in what is read now.
    buffer.clear()
    if (ids().length === 0) setState('loading')
    try {
      const loaded = await load()
      if (mine !== turn) return
      loaded.onTaken?.()
      batch(() => {
        setRows(reconcile(Object.fromEntries(loaded.rows.map((row) => [row.id, row])) as Record<number, T>))
        setIds(loaded.rows.map(({ id }) => id).sort((a, b) => b - a))
        floor = loaded.isPartial ? (ids().at(-1) ?? 0) : 0
        setState('ready')
        setCursor(positionOf(loaded.cursor))
      })
    } catch (problem) {
      if (mine !== turn) return
      setError((problem as Error).message)
      setState('failed')
    }
  }
  createFollow(stream, () => {
    const after = cursor()
    return after === undefined ? undefined : { channels, after, onEvent: buffer.add, onGap: lose }
  })
  createEffect(
    on(createStreamState(stream), ({ name }) => {
      // What could not be read while the server was away.
      if (name === 'live' && state() === 'failed') void reload()
    }),
  )
  onCleanup(() => {
    clearTimeout(staleness)
    turn++
  })
  void reload()
  const remove = (id: number) =>
    batch(() => {
      setIds((before) => before.filter((other) => other !== id))
      setRows(produce((all) => void delete all[id]))
    })
  return {
    rows,
    ids,
    state,
    error,
    reload: () => void reload(),
    put(row) {
      if (row.version <= (rows[row.id]?.version ?? 0)) return
      if (!isWanted(row)) return remove(row.id)
      batch(() => {
        if (!rows[row.id]) setIds((before) => [row.id, ...before].sort((a, b) => b - a))
        setRows(row.id, row)
      })
    },
    remove,
    onArrival: (listener) => void listeners.push(listener),
  }
}
