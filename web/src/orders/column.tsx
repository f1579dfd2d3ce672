import { For, type JSX, Show } from 'solid-js'
import { NEXT } from '../../../server/orders/order.ts'
import type { Order, OrderStatus } from '../../../server/orders/schema.ts'
import { formatMoney, formatNumber } from '../ui/format.ts'
import { VirtualList } from '../ui/virtual-list.tsx'

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
  onMove: (order: Order, to: OrderStatus) => void
}

/** The orders of one status. */
export function Column(props: ColumnProps): JSX.Element {
  return (
    <section class="column" aria-label={`${props.status}: ${props.ids.length} orders`}>
      <header>
        <h2>{props.status}</h2>
        <span class="count">{formatNumber(props.ids.length)}</span>
      </header>
      <VirtualList
        class="cards"
        count={props.ids.length}
        keyAt={(index) => props.ids[index] ?? 0}
        rowHeight={CARD_HEIGHT}
        roles={['list', 'presentation']}
        label={`Orders that are ${props.status}`}
      >
        {(id, _, start) => (
          <Show when={props.orders[id]}>
            {(order) => (
              <article
                class="order"
                role="listitem"
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
                  <For each={NEXT[order().status]}>
                    {(to) => (
                      <button
                        type="button"
                        class={to === 'cancelled' ? 'ghost small' : 'small'}
                        aria-label={`${VERBS[to]}: order ${order().id}`}
                        onClick={() => props.onMove(order(), to)}
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
