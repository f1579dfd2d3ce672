import { type Accessor, createEffect, createSignal, on, type Setter } from 'solid-js'
import { createBuffer } from '../live/create-buffer.ts'
import { showGap } from '../live/notice.ts'
import { stream } from '../live/stream.ts'
import { createFollow } from '../sse/create-stream.ts'
import type { Cursor } from '../sse/cursor.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { createHold, type Hold } from '../ui/create-hold.ts'
import { createPager } from './create-pager.ts'
import { EventList } from './event-list.ts'
import { ALL_EVENTS, type Filter, passes } from './filter.ts'
import { type LogPage, lookBack } from './look-back.ts'

/** Fewer events than this on the page: the next page is read at once. */
const ENOUGH = 50

/** The event log as the page shows it: pages of history, and what is published since. */
export interface LogView {
  filter: Accessor<Filter>
  /** Shows the events of another filter. */
  setFilter: Setter<Filter>
  isLive: Accessor<boolean>
  setIsLive: Setter<boolean>
  state: Accessor<'loading' | 'ready' | 'failed'>
  error: Accessor<string>
  count: Accessor<number>
  /** Number of new events that are not shown yet, because the pointer or the focus is on a row. */
  heldCount: Accessor<number>
  /** @param index 0 is the newest event */
  at: (index: number) => StreamEvent | undefined
  /** Reads the next page of older events. */
  loadMore: () => void
  reload: () => void
  hold: Hold
  setIsFocused: Setter<boolean>
}

/** @param onAdded called when events were added above those that are shown */
export function createLog(onAdded: (count: number) => void): LogView {
  const [filter, setFilter] = createSignal<Filter>(ALL_EVENTS)
  const [isLive, setIsLive] = createSignal(true)
  const [state, setState] = createSignal<LogView['state'] extends Accessor<infer S> ? S : never>('loading')
  const [error, setError] = createSignal('')
  const [count, setCount] = createSignal(0)
  const [heldCount, setHeldCount] = createSignal(0)
  const [changes, setChanges] = createSignal(0)
  const [isFocused, setIsFocused] = createSignal(false)
  /** Position after which the stream is followed, once the first page is there. */
  const [after, setAfter] = createSignal<number>()
  /** Position of the newest event that the stream has delivered. */
  let newest = 0
  const hold = createHold()
  const list = new EventList()

  const update = () => {
    setCount(list.count)
    setHeldCount(list.heldCount)
    setChanges((before) => before + 1)
  }
  const pager = createPager<Cursor, LogPage>({
    read: (cursor) => lookBack(filter(), cursor),
    onPage({ events, head }, isFirst) {
      list.addOlder(events)
      update()
      if (isFirst) setAfter(head)
      setState('ready')
    },
    onError({ message }) {
      setError(message)
      setState('failed')
    },
    wantsMore: () => list.count < ENOUGH,
  })
  const isHolding = () => (hold.isHeld() || isFocused()) && !list.isFull
  const show = () => {
    const { added, isTrimmed } = list.release()
    if (added === 0) return
    // Dropped events are read again when the user scrolls down to them.
    if (isTrimmed) pager.restart(list.oldest)
    update()
    onAdded(added)
  }
  const buffer = createBuffer<StreamEvent>((events) => {
    list.hold(events)
    if (isHolding()) setHeldCount(list.heldCount)
    else show()
  })
  createEffect(on([hold.isHeld, isFocused], () => isHolding() || show()))
  const reload = () => {
    pager.restart()
    buffer.clear()
    list.clear()
    newest = 0
    setIsFocused(false)
    update()
    setAfter(undefined)
    setState('loading')
    void pager.next()
  }
  createEffect(on(filter, reload))
  createFollow(stream, () => {
    const current = filter()
    const start = after()
    if (!isLive() || start === undefined || current.until) return undefined
    return {
      channels: [current.channel],
      after: Math.max(start, newest),
      onEvent(event) {
        newest = event.position
        if (passes(current, event)) buffer.add(event)
      },
      onGap(gap) {
        showGap(gap)
        reload()
      },
    }
  })
  return {
    filter,
    setFilter,
    isLive,
    setIsLive,
    state,
    error,
    count,
    heldCount,
    at(index) {
      changes()
      return list.at(index)
    },
    loadMore: () => void pager.next(),
    reload,
    hold,
    setIsFocused,
  }
}
