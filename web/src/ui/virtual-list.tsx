import { createVirtualizer, type VirtualItem } from '@tanstack/solid-virtual'
import { For, type JSX } from 'solid-js'

interface VirtualListProps {
  /** Rows in all. */
  count: number
  /** Pixels of each. */
  rowHeight: number
  class: string
  /** Of the scrolling element and of what holds the rows. */
  roles: readonly [list: 'table' | 'list', rows: 'rowgroup' | 'presentation']
  label: string
  header?: JSX.Element
  /** Is given the element that scrolls. */
  onElement?: (element: HTMLDivElement) => void
  /** Called when fewer rows than this are left below what is seen. */
  onNearEnd?: () => void
  children: (item: VirtualItem) => JSX.Element
}

const NEAR_END = 40

/** A list that scrolls, of which only the rows exist that are seen: thousands cost no more than dozens. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  // The element and the virtualizer are mounted together: it looks for its element once.
  let element: HTMLDivElement | undefined
  const rows = createVirtualizer({
    get count() {
      return props.count
    },
    getScrollElement: () => element ?? null,
    estimateSize: () => props.rowHeight,
    overscan: 8,
  })
  const onScroll = () => {
    if (!element) return
    const below = element.scrollHeight - element.scrollTop - element.clientHeight
    if (below < NEAR_END * props.rowHeight) props.onNearEnd?.()
  }
  return (
    <div
      class={props.class}
      ref={(list) => {
        element = list
        props.onElement?.(list)
      }}
      // A region that scrolls has to be reached by the keyboard.
      tabindex="0"
      role={props.roles[0]}
      aria-label={props.label}
      aria-rowcount={props.roles[0] === 'table' ? props.count : undefined}
      onScroll={onScroll}
    >
      {props.header}
      <div style={{ height: `${rows.getTotalSize()}px`, position: 'relative' }} role={props.roles[1]}>
        <For each={rows.getVirtualItems()}>{(item) => props.children(item)}</For>
      </div>
    </div>
  )
}
