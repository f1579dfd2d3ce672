import { type Accessor, batch, createEffect, createSignal, on, onCleanup } from 'solid-js'
import { createFollow, createStreamState } from '../sse/create-stream.ts'
import type { Cursor } from '../sse/cursor.ts'
import type { Gap, StreamEvent } from '../sse/protocol.ts'
import type { Row } from './apply-events.ts'
import { createBuffer } from './create-buffer.ts'
import { createRows, type Rows, type RowsOptions } from './create-rows.ts'
import { showGap } from './notice.ts'
import { stream } from './stream.ts'

export type { Effect } from './apply-events.ts'

/** Milliseconds until all rows are read again because of changes to rows that are not here: many changes, one read. */
const STALE = 500

/** Which rows, and the events about them. */
export interface CollectionOptions<T extends Row> extends Omit<RowsOptions<T>, 'isWanted'> {
  /**
   * Reads the newest rows as they are now, and the cursor that they were read at; `isPartial` when there are older ones.
   * `onTaken` is called when they are shown.
   */
  load: () => Promise<{ rows: T[]; cursor: Cursor; isPartial: boolean; onTaken?: () => void }>
  /** Patterns of the channels that carry the events; without any, the rows are not live. */
  channels: readonly string[]
  /** Whether a row belongs here; one that no longer does is removed. Defaults to all. */
  isWanted?: (row: T) => boolean
}

/** Rows that follow the stream. */
export interface Collection<T extends Row> extends Pick<Rows<T>, 'rows' | 'ids' | 'put' | 'remove'> {
  /** Whether the rows are there. */
  state: Accessor<'loading' | 'ready' | 'failed'>
  /** Why the last read failed. */
  error: Accessor<string>
  /** Reads everything again. */
  reload: () => void
  /** Adds a listener for rows that arrive over the stream; it is called once for each event. */
  onArrival: (listener: (event: StreamEvent, row: T) => void) => void
}

/**
 * Rows that are read once and then follow the stream, from the cursor that they were read at: no event is missed, and
 * duplicates are recognised by the version. Events of one frame become one change of the page.
 */
export function createCollection<T extends Row>({
  load,
  channels,
  isWanted = () => true,
  ...options
}: CollectionOptions<T>): Collection<T> {
  const { rows, ids, replace, apply, put, remove } = createRows<T>({ ...options, isWanted })
  const listeners: ((event: StreamEvent, row: T) => void)[] = []
  let staleness: ReturnType<typeof setTimeout> | undefined
  const buffer = createBuffer<StreamEvent>((events) => {
    const { arrivals, isStale } = apply(events)
    for (const [event, row] of arrivals) for (const listener of listeners) listener(event, row)
    if (isStale) staleness ??= setTimeout(loading.reload, STALE)
  })
  const loading = createLoading({
    load,
    onBegin() {
      clearTimeout(staleness)
      staleness = undefined
      // What has arrived so far is part of what is read now.
      buffer.clear()
    },
    onLoaded: (loaded) => {
      loaded.onTaken?.()
      replace(loaded.rows, loaded.isPartial)
    },
    isEmpty: () => ids().length === 0,
  })
  const onGap = (gap: Gap) => {
    showGap(gap)
    loading.reload()
  }
  createFollow(stream, () => {
    const after = loading.cursor()
    return after === undefined || channels.length === 0 ? undefined : { channels, after, onEvent: buffer.add, onGap }
  })
  createEffect(
    on(createStreamState(stream), ({ name }) => {
      // The read may have failed because the server was unreachable.
      if (name === 'live' && loading.state() === 'failed') loading.reload()
    }),
  )
  onCleanup(() => clearTimeout(staleness))
  loading.reload()
  const { state, error, reload } = loading
  return { rows, ids, state, error, reload, put, remove, onArrival: (listener) => void listeners.push(listener) }
}

interface LoadingOptions<L extends { cursor: Cursor }> {
  load: () => Promise<L>
  /** A read begins. */
  onBegin: () => void
  /** A read has succeeded, and no newer one has begun. */
  onLoaded: (loaded: L) => void
  /** Whether nothing is shown that could stay while the read takes place. */
  isEmpty: () => boolean
}

/** The reads of a collection: the newest one counts. The cursor is `undefined` while one takes place. */
function createLoading<L extends { cursor: Cursor }>({ load, onBegin, onLoaded, isEmpty }: LoadingOptions<L>) {
  const [state, setState] = createSignal<'loading' | 'ready' | 'failed'>('loading')
  const [error, setError] = createSignal('')
  const [cursor, setCursor] = createSignal<Cursor>()
  let newest = 0
  onCleanup(() => newest++)
  const read = async () => {
    const own = ++newest
    setCursor(undefined)
    onBegin()
    if (isEmpty()) setState('loading')
    try {
      const loaded = await load()
      if (own !== newest) return
      batch(() => {
        onLoaded(loaded)
        setState('ready')
        setCursor(loaded.cursor)
      })
    } catch (problem) {
      if (own !== newest) return
      setError((problem as Error).message)
      setState('failed')
    }
  }
  return { state, error, cursor, reload: () => void read() }
}
