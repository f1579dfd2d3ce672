import { type Accessor, createEffect, createSignal, on, type Setter } from 'solid-js'
import { readablePatterns } from '../live/access.ts'
import { showGap } from '../live/notice.ts'
import { stream } from '../live/stream.ts'
import { createFollow } from '../sse/create-stream.ts'
import { createLogRows, type LogRows } from './create-log-rows.ts'
import { ALL_EVENTS, type Filter, passes } from './filter.ts'

/** The event log as the page shows it: the events of a filter, and those that are published since. */
export interface LogView {
  rows: LogRows
  filter: Accessor<Filter>
  /** Shows the events of another filter. */
  setFilter: Setter<Filter>
  /** Whether new events are shown as they are published. */
  isLive: Accessor<boolean>
  setIsLive: Setter<boolean>
}

/**
 * Reads the newest events, then follows the stream from there, unless the filter has an end.
 *
 * @param onAdded called when events were added above those that are shown
 */
export function createLog(onAdded: (count: number) => void): LogView {
  const [filter, setFilter] = createSignal<Filter>(ALL_EVENTS)
  const [isLive, setIsLive] = createSignal(true)
  const rows = createLogRows({ filter, onAdded })
  /** Position of the newest event that the stream has delivered. */
  let newest = 0
  const reload = () => {
    newest = 0
    rows.reload()
  }
  createEffect(on(filter, reload))
  createFollow(stream, () => {
    const current = filter()
    const head = rows.head()
    if (!isLive() || head === undefined || current.until) return undefined
    return {
      channels: current.channel ? [current.channel] : readablePatterns(),
      after: Math.max(head, newest),
      onEvent(event) {
        newest = event.position
        if (passes(current, event)) rows.add(event)
      },
      onGap(gap) {
        showGap(gap)
        reload()
      },
    }
  })
  return { rows, filter, setFilter, isLive, setIsLive }
}
