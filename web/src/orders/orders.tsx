import { useSearchParams } from '@solidjs/router'
import { For, type JSX, Show } from 'solid-js'
import { formatMoney, formatNumber } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { Column } from './column.tsx'
import { createBoard, createLinkedOrder } from './create-board.ts'
import { NewOrderForm } from './new-order.tsx'
import { STATUSES } from './steps.ts'

/** The page of the orders: a column for each status; cards move when any user moves them. */
export default function Orders(): JSX.Element {
  const { orders, olderCount, byStatus, highlighted, move } = createBoard()
  const [query] = useSearchParams<{ id?: string }>()
  const linkedId = () => Number(query.id)
  const linked = createLinkedOrder(orders, linkedId)
  const count = () => orders.ids().length
  return (
    <>
      <div class="page-title">
        <h1>Orders</h1>
        <p class="muted">
          <Show when={olderCount() > 0} fallback={`${formatNumber(count())} ${count() === 1 ? 'order' : 'orders'}`}>
            The newest {formatNumber(count())} of {formatNumber(count() + olderCount())} orders
          </Show>
          . Changes by other users appear live and are highlighted briefly.
        </p>
        <NewOrderForm onCreated={orders.put} />
      </div>
      <States
        state={orders.state()}
        error={orders.error()}
        isEmpty={count() === 0}
        empty={
          <>
            There are no orders yet. Select <strong>New order</strong>, or run <code>sse-update demo</code> to create
            some.
          </>
        }
        onRetry={orders.reload}
      >
        <Show when={linked()}>
          {(order) => (
            <p class="notice">
              Order #{order().id} of {order().customer} is <strong>{order().status}</strong>:{' '}
              {formatMoney(order().total, order().currency)}.
            </p>
          )}
        </Show>
        <div class="board">
          <For each={STATUSES}>
            {(status) => (
              <Column
                status={status}
                ids={byStatus()[status]}
                orders={orders.rows}
                highlighted={highlighted}
                linkedId={linkedId()}
                onMove={move}
              />
            )}
          </For>
        </div>
      </States>
    </>
  )
}
