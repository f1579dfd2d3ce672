import { createVirtualizer } from '@tanstack/solid-virtual'
import { type Accessor, createMemo, For, type JSX } from 'solid-js'

interface VirtualListProps {
  /** Rows in all. */
  count: number
  /** Names a row, wherever it stands: what is focused stays focused when others come before it. */
  keyAt: (index: number) => number
  /** Pixels of each. */
  rowHeight: number
  class: string
  /** Of the scrolling element and of what holds the rows. */
  roles: readonly [list: 'table' | 'list', rows: 'rowgroup' | 'presentation']
  label: string
  header?: JSX.Element
  /** Is given the element that scrolls. */
  onElement?: (element: HTMLDivElement) => void
  /** Called when few rows are left below what is seen. */
  onNearEnd?: () => void
  onPointerMove?: () => void
  onPointerLeave?: () => void
  /** Called when the keyboard's focus comes to a row, or goes. */
  onFocusWithin?: (isWithin: boolean) => void
  /** @param start pixels from the top */
  children: (key: number, index: Accessor<number>, start: Accessor<number>) => JSX.Element
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
      // A region that scrolls has to be reached by the keyboard.
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
