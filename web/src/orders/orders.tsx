import { useSearchParams } from '@solidjs/router'
import { batch, createEffect, createMemo, createSignal, For, type JSX, onCleanup, Show, untrack } from 'solid-js'
import { createStore } from 'solid-js/store'
import { LIST_PAGE } from '../../../server/protocol/limits.ts'
import type { Order, OrderStatus } from '../../../server/shop/orders/schema.ts'
import { ApiError, api, ask } from '../live/api.ts'
import { createCollection } from '../live/create-collection.ts'
import { loadNewest } from '../live/load-newest.ts'
import { showNotice } from '../live/notice.ts'
import { payloadOf } from '../live/stream.ts'
import { formatMoney, formatNumber } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { Column } from './column.tsx'
import { NewOrderForm } from './new-order.tsx'

const MAX_ORDERS = 5000
const STATUSES: readonly OrderStatus[] = ['pending', 'paid', 'packed', 'shipped', 'delivered', 'cancelled']
/** How long what somebody else changed is marked. */
const MARKED = 2500

/** All orders by their status: a card moves when anybody moves it. */
export default function Orders(): JSX.Element {
  /** Orders that are older than those on the board. */
  const [beyond, setBeyond] = createSignal(0)
  const orders = createCollection<Order>({
    load: async () => {
      // Counted when the first page is read, not after the last: what is created between comes over the stream.
      const [newest, total] = await Promise.all([loadNewest(MAX_ORDERS, pageOf), countAll()])
      const older = newest.isPartial ? Math.max(0, total - newest.rows.length) : 0
      return { ...newest, onTaken: () => setBeyond(older) }
    },
    max: () => MAX_ORDERS,
    onDropped: (rows) => setBeyond((before) => before + rows.length),
    channels: ['orders.>'],
    effectOf(event) {
      const { order } = payloadOf(event, 'order')
      if (!order) return undefined
      return event.type === 'order.deleted' ? { remove: order.id } : { put: order }
    },
  })
  const [query] = useSearchParams<{ id?: string }>()
  const [marked, setMarked] = createStore<Record<number, true | undefined>>({})
  const timers = new Set<ReturnType<typeof setTimeout>>()
  onCleanup(() => {
    for (const timer of timers) clearTimeout(timer)
  })
  // What one does oneself is in the rows before its event comes, so only what others do arrives as news.
  orders.onArrival((_, { id }) => {
    setMarked(id, true)
    const timer = setTimeout(() => {
      timers.delete(timer)
      setMarked(id, undefined)
    }, MARKED)
    timers.add(timer)
  })
  // Of a link, such as in a notification; an old one may not be on the board.
  const [old, setOld] = createSignal<Order>()
  const asked = () => orders.rows[Number(query.id)] ?? (old()?.id === Number(query.id) ? old() : undefined)
  createEffect(() => {
    const id = Number(query.id)
    if (orders.state() !== 'ready' || !(id > 0) || untrack(asked)) return
    ask(api.orders({ id }).get()).then(setOld, () => showNotice(`There is no order ${id}.`))
  })
  const byStatus = createMemo(() => {
    const columns = Object.fromEntries(STATUSES.map((status) => [status, [] as number[]])) as Record<
      OrderStatus,
      number[]
    >
    for (const id of orders.ids()) {
      const status = orders.rows[id]?.status
      if (status) columns[status].push(id)
    }
    return columns
  })
  const move = async (order: Order, to: OrderStatus) => {
    try {
      const headers = { 'if-match': `"${order.version}"` }
      orders.put(await ask(api.orders({ id: order.id }).transitions.post({ to }, { headers })))
    } catch (error) {
      showNotice(await explain(order, to, error))
    }
  }
  const explain = async (order: Order, to: OrderStatus, error: unknown): Promise<string> => {
    const { code, message } = error as ApiError
    if (!(error instanceof ApiError) || !['order.version_conflict', 'order.illegal_transition'].includes(code))
      return message
    const current = await ask(api.orders({ id: order.id }).get()).catch(() => undefined)
    if (!current) return `Order ${order.id} is not there any more.`
    batch(() => orders.put(current))
    return `Somebody was quicker: order ${order.id} is ${current.status} now, so it was not made ${to}. You see it as it is.`
  }
  return (
    <>
      <div class="page-title">
        <h1>Orders</h1>
        <p class="muted">
          <Show when={beyond() > 0} fallback={`${formatNumber(orders.ids().length)} orders`}>
            The newest {formatNumber(orders.ids().length)} of {formatNumber(orders.ids().length + beyond())} orders
          </Show>
          ; what somebody else does moves here, and is marked for a moment.
        </p>
        <NewOrderForm onCreated={orders.put} />
      </div>
      <States
        state={orders.state()}
        error={orders.error()}
        isEmpty={orders.ids().length === 0}
        empty={
          <>
            There are no orders yet. Create one, or let <code>sse-update demo</code> fill the shop.
          </>
        }
        onRetry={orders.reload}
      >
        <Show when={asked()}>
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
                marked={marked}
                highlighted={Number(query.id)}
                onMove={move}
              />
            )}
          </For>
        </div>
      </States>
    </>
  )
}

const pageOf = async (before?: number) => {
  const query = { limit: LIST_PAGE.max, ...(before !== undefined && { before }) }
  const { orders, ...page } = await ask(api.orders.get({ query }))
  return { ...page, rows: orders }
}

async function countAll(): Promise<number> {
  const { counts } = await ask(api.orders.count.get())
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
