import { createMemo, For, type JSX, Show } from 'solid-js'
import type { Order, OrderStatus } from '../../../server/shop/orders/schema.ts'
import { createHold } from '../ui/create-hold.ts'
import { formatMoney, formatNumber } from '../ui/format.ts'
import { VirtualList } from '../ui/virtual-list.tsx'
import { NEXT } from './steps.ts'

const VERBS: Readonly<Partial<Record<OrderStatus, string>>> = {
  paid: 'Paid',
  packed: 'Packed',
  shipped: 'Shipped',
  delivered: 'Delivered',
  cancelled: 'Cancel',
}

/** Pixels: cards are all as high, so that thousands cost only those that are seen. */
const CARD_HEIGHT = 112

interface ColumnProps {
  status: OrderStatus
  /** Newest first. */
  ids: readonly number[]
  orders: Readonly<Record<number, Order>>
  marked: Readonly<Record<number, true | undefined>>
  highlighted: number
  /** Resolves when the order has moved, or could not. */
  onMove: (order: Order, to: OrderStatus) => Promise<void>
}

/** The orders of one status. While a pointer is among them, what comes waits, and what goes keeps its place. */
export function Column(props: ColumnProps): JSX.Element {
  const { isHeld, onPointerMove, onPointerLeave } = createHold()
  const ids = createMemo<readonly number[]>((before) => (isHeld() ? before : props.ids), props.ids)
  const waiting = createMemo(() => {
    if (!isHeld()) return 0
    const shown = new Set(ids())
    return props.ids.filter((id) => !shown.has(id)).length
  })
  let list: HTMLElement | undefined
  /** The button has gone with its card: who works with the keyboard goes on with the next. */
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
        label={`Orders that are ${props.status}`}
        onElement={(element) => {
          list = element
        }}
      >
        {(id, index, start) => (
          <Show when={props.orders[id]}>
            {(order) => (
              <article
                class="order"
                role="listitem"
                data-index={index()}
                data-marked={props.marked[order().id] ?? order().id === props.highlighted}
                style={{ transform: `translateY(${start()}px)`, height: `${CARD_HEIGHT - 8}px` }}
              >
                <div class="order-head">
                  <strong>#{order().id}</strong>
                  <span>{order().customer}</span>
                  <span class="number">{formatMoney(order().total, order().currency)}</span>
                </div>
                <p class="muted one-line">
                  {order()
                    .lines.map(({ quantity, name }) => `${quantity} × ${name}`)
                    .join(', ')}
                </p>
                <div class="row">
                  <Show when={order().status !== props.status}>
                    <span class="muted">is {order().status} now</span>
                  </Show>
                  <For each={order().status === props.status ? NEXT[props.status] : []}>
                    {(to) => (
                      <button
                        type="button"
                        class={to === 'cancelled' ? 'ghost small' : 'small'}
                        aria-label={`${VERBS[to]}: order ${order().id}`}
                        onClick={() => void move(order(), to, index())}
                      >
                        {VERBS[to]}
                      </button>
                    )}
                  </For>
                </div>
              </article>
            )}
          </Show>
        )}
      </VirtualList>
    </section>
  )
}
