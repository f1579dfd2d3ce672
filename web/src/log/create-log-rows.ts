import { type Accessor, createEffect, createSignal, on, type Setter } from 'solid-js'
import { createBuffer } from '../live/create-buffer.ts'
import type { StartingPoint } from '../sse/cursor.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { createHold, type Hold } from '../ui/create-hold.ts'
import { createPager } from './create-pager.ts'
import { EventList } from './event-list.ts'
import type { Filter } from './filter.ts'
import { type LogPage, lookBack } from './look-back.ts'

/** Fewer events than this on the page: the next page is read at once. */
const ENOUGH = 50

/** The rows of the event log: pages of history, and events that are added above them. */
export interface LogRows {
  state: Accessor<'loading' | 'ready' | 'failed'>
  /** Why the last page could not be read. */
  error: Accessor<string>
  count: Accessor<number>
  /** Number of new events that are not shown yet, because the pointer or the focus is on a row. */
  heldCount: Accessor<number>
  /** Position of the newest event when the first page was read; `undefined` before. */
  head: Accessor<number | undefined>
  /** @param index 0 is the newest event */
  at: (index: number) => StreamEvent | undefined
  /** Adds a new event above the others. Events that arrive within a frame are shown together. */
  add: (event: StreamEvent) => void
  /** Reads the next page of older events. */
  loadMore: () => void
  /** Discards all rows and reads the first page. */
  reload: () => void
  hold: Hold
  setIsFocused: Setter<boolean>
}

/** What the rows depend on. */
export interface LogRowsOptions {
  filter: Accessor<Filter>
  /** Called when events were added above those that are shown. */
  onAdded: (count: number) => void
}

/** Rows without any event until `reload` is called. */
export function createLogRows({ filter, onAdded }: LogRowsOptions): LogRows {
  const list = new EventList()
  const counts = createCounts(list)
  const [state, setState] = createSignal<'loading' | 'ready' | 'failed'>('loading')
  const [error, setError] = createSignal('')
  const [head, setHead] = createSignal<number>()
  const pager = createPager<StartingPoint, LogPage>({
    read: (cursor) => lookBack(filter(), cursor),
    onPage(page, isFirst) {
      list.addOlder(page.events)
      counts.update()
      if (isFirst) setHead(page.head)
      setState('ready')
    },
    onError({ message }) {
      setError(message)
      setState('failed')
    },
    wantsMore: () => list.count < ENOUGH,
  })
  const { hold, setIsFocused, add, clear } = createArrivals(list, counts.update, ({ added, isTrimmed }) => {
    // Dropped events are read again when the user scrolls down to them.
    if (isTrimmed) pager.restart(list.oldest)
    counts.update()
    onAdded(added)
  })
  return {
    state,
    error,
    head,
    count: counts.count,
    heldCount: counts.heldCount,
    at: counts.at,
    add,
    hold,
    setIsFocused,
    loadMore: () => void pager.next(),
    reload() {
      pager.restart()
      clear()
      counts.update()
      setHead(undefined)
      setState('loading')
      void pager.next()
    },
  }
}

/** The list as signals; `update` publishes its changes. */
function createCounts(list: EventList) {
  const [count, setCount] = createSignal(0)
  const [heldCount, setHeldCount] = createSignal(0)
  const [changes, setChanges] = createSignal(0)
  return {
    count,
    heldCount,
    at(index: number) {
      changes()
      return list.at(index)
    },
    update() {
      setCount(list.count)
      setHeldCount(list.heldCount)
      setChanges((before) => before + 1)
    },
  }
}

/** Puts new events into the list: at once, or, while the pointer or the focus is on a row, when it leaves. */
function createArrivals(
  list: EventList,
  onHeld: () => void,
  onReleased: (released: { added: number; isTrimmed: boolean }) => void,
) {
  const hold = createHold()
  const [isFocused, setIsFocused] = createSignal(false)
  const isHolding = () => (hold.isHeld() || isFocused()) && !list.isFull
  const release = () => {
    const released = list.release()
    if (released.added > 0) onReleased(released)
  }
  const buffer = createBuffer<StreamEvent>((events) => {
    list.hold(events)
    if (isHolding()) onHeld()
    else release()
  })
  createEffect(on([hold.isHeld, isFocused], () => isHolding() || release()))
  return {
    hold,
    setIsFocused,
    add: buffer.add,
    clear() {
      buffer.clear()
      list.clear()
      setIsFocused(false)
    },
  }
}
