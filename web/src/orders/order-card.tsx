import { For, type JSX, Show } from 'solid-js'
import type { Order, OrderStatus } from '../../../server/shop/orders/schema.ts'
import { formatMoney } from '../ui/format.ts'
import { NEXT, VERBS } from './steps.ts'

/** Distance of two cards in pixels: all cards are equally high, so that a column draws only those in view. */
export const CARD_HEIGHT = 112

interface OrderCardProps {
  order: Order
  /** Status of the column that the card is in; the order may have left it. */
  status: OrderStatus
  /** Index in the column. */
  index: number
  /** Pixels from the top of the column. */
  start: number
  isHighlighted: boolean
  onMove: (to: OrderStatus) => void
}

/** An order on the board, with a button for each transition. */
export function OrderCard(props: OrderCardProps): JSX.Element {
  const lines = () => props.order.lines.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ')
  return (
    <article
      class="order"
      role="listitem"
      data-index={props.index}
      data-marked={props.isHighlighted}
      style={{ transform: `translateY(${props.start}px)`, height: `${CARD_HEIGHT - 8}px` }}
    >
      <div class="order-head">
        <strong>#{props.order.id}</strong>
        <span class="number">{formatMoney(props.order.total, props.order.currency)}</span>
      </div>
      <p class="one-line" title={`${props.order.customer}: ${lines()}`}>
        {props.order.customer} <span class="muted">· {lines()}</span>
      </p>
      <div class="row">
        <Show when={props.order.status !== props.status}>
          <span class="muted">now {props.order.status}</span>
        </Show>
        <For each={props.order.status === props.status ? NEXT[props.status] : []}>
          {(to) => (
            <button
              type="button"
              class={to === 'cancelled' ? 'ghost small' : 'small'}
              aria-label={`${VERBS[to]} order ${props.order.id}`}
              onClick={() => props.onMove(to)}
            >
              {VERBS[to]}
            </button>
          )}
        </For>
      </div>
    </article>
  )
}
