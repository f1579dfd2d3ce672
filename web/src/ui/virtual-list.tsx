import { createVirtualizer } from '@tanstack/solid-virtual'
import { type Accessor, createMemo, For, type JSX } from 'solid-js'

interface VirtualListProps {
  /** Total number of rows. */
  count: number
  /** Stable key of a row: a focused row keeps the focus when rows are inserted before it. */
  keyAt: (index: number) => number
  /** Height of each row in pixels. */
  rowHeight: number
  class: string
  /** ARIA roles of the scrolling element and of the element that contains the rows. */
  roles: readonly [list: 'table' | 'list', rows: 'rowgroup' | 'presentation']
  label: string
  header?: JSX.Element
  /** Receives the scrolling element. */
  onElement?: (element: HTMLDivElement) => void
  /** Called when fewer than 40 rows are left below the visible ones. */
  onNearEnd?: () => void
  onPointerMove?: () => void
  onPointerLeave?: () => void
  /** Called when the keyboard focus enters or leaves the rows. */
  onFocusWithin?: (isWithin: boolean) => void
  /** @param start pixels from the top */
  children: (key: number, index: Accessor<number>, start: Accessor<number>) => JSX.Element
}

const NEAR_END = 40

/** A scrolling list that renders only the visible rows, so that thousands of rows cost as little as dozens. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  // The virtualizer reads its element once, when both are mounted.
  let element: HTMLDivElement | undefined
  const rows = createVirtualizer({
    get count() {
      return props.count
    },
    getScrollElement: () => element ?? null,
    estimateSize: () => props.rowHeight,
    overscan: 8,
  })
  const first = createMemo(() => rows.getVirtualItems()[0]?.index ?? 0)
  const keys = createMemo(() => rows.getVirtualItems().map(({ index }) => props.keyAt(index)))
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
      // A scrolling region must be reachable by keyboard.
      tabindex="0"
      role={props.roles[0]}
      aria-label={props.label}
      aria-rowcount={props.roles[0] === 'table' ? props.count : undefined}
      onScroll={onScroll}
      onPointerMove={() => props.onPointerMove?.()}
      onPointerLeave={() => props.onPointerLeave?.()}
      onFocusIn={({ target }) => props.onFocusWithin?.(target !== element && target.matches(':focus-visible'))}
      onFocusOut={() => props.onFocusWithin?.(false)}
    >
      {props.header}
      <div style={{ height: `${rows.getTotalSize()}px`, position: 'relative' }} role={props.roles[1]}>
        <For each={keys()}>
          {(key, place) => {
            const index = () => first() + place()
            return props.children(key, index, () => index() * props.rowHeight)
          }}
        </For>
      </div>
    </div>
  )
}
