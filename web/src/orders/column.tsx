import { createMemo, type JSX, Show } from 'solid-js'
import type { Order, OrderStatus } from '../../../server/shop/orders/schema.ts'
import { createHold } from '../ui/create-hold.ts'
import { formatNumber } from '../ui/format.ts'
import { VirtualList } from '../ui/virtual-list.tsx'
import { CARD_HEIGHT, OrderCard } from './order-card.tsx'

interface ColumnProps {
  status: OrderStatus
  /** Newest first. */
  ids: readonly number[]
  orders: Readonly<Record<number, Order>>
  highlighted: Readonly<Record<number, true | undefined>>
  /** Id of the order that is highlighted because a link names it; `NaN` without one. */
  linkedId: number
  /** Resolves when the order has moved, or could not be moved. */
  onMove: (order: Order, to: OrderStatus) => Promise<void>
}

/** The orders of one status. While the pointer is over them, new cards wait and cards that left keep their place. */
export function Column(props: ColumnProps): JSX.Element {
  const { isHeld, onPointerMove, onPointerLeave } = createHold()
  const ids = createMemo<readonly number[]>((before) => (isHeld() ? before : props.ids), props.ids)
  const waiting = createMemo(() => {
    if (!isHeld()) return 0
    const shown = new Set(ids())
    return props.ids.filter((id) => !shown.has(id)).length
  })
  let list: HTMLElement | undefined
  /** Moves an order. Its button disappears with the card, so the keyboard focus moves to the next card. */
  const move = async (order: Order, to: OrderStatus, index: number) => {
    await props.onMove(order, to)
    if (document.activeElement !== document.body) return
    const next = list?.querySelector<HTMLElement>(`[data-index="${index}"] button`)
    ;(next ?? list)?.focus()
  }
  return (
    <section
      class="column"
      aria-label={`${props.status}: ${props.ids.length} orders`}
      onPointerMove={onPointerMove}
      onPointerLeave={onPointerLeave}
    >
      <header>
        <h2>{props.status}</h2>
        <Show when={waiting() > 0}>
          <span class="muted">{formatNumber(waiting())} new</span>
        </Show>
        <span class="count">{formatNumber(props.ids.length)}</span>
      </header>
      <VirtualList
        class="cards"
        count={ids().length}
        keyAt={(index) => ids()[index] ?? 0}
        rowHeight={CARD_HEIGHT}
        roles={['list', 'presentation']}
        label={`Orders with status ${props.status}`}
        onElement={(element) => {
          list = element
        }}
      >
        {(id, index, start) => (
          <Show when={props.orders[id]}>
            {(order) => (
              <OrderCard
                order={order()}
                status={props.status}
                index={index()}
                start={start()}
                isHighlighted={props.highlighted[id] ?? id === props.linkedId}
                onMove={(to) => void move(order(), to, index())}
              />
            )}
          </Show>
        )}
      </VirtualList>
    </section>
  )
}
