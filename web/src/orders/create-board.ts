import { type Accessor, batch, createEffect, createMemo, createSignal, onCleanup, untrack } from 'solid-js'
import { createStore } from 'solid-js/store'
import { LIST_PAGE } from '../../../server/protocol/limits.ts'
import type { Order, OrderStatus } from '../../../server/shop/orders/schema.ts'
import { channelsOfRows } from '../live/access.ts'
import { ApiError, api, ask } from '../live/api.ts'
import { type Collection, createCollection } from '../live/create-collection.ts'
import { loadNewest } from '../live/load-newest.ts'
import { showNotice } from '../live/notice.ts'
import { payloadOf } from '../live/stream.ts'
import { conflictMessage, isConflict } from './conflict.ts'
import { groupByStatus } from './steps.ts'

const MAX_ORDERS = 5000
/** Milliseconds for which an order is highlighted that another user has changed. */
const HIGHLIGHT_TIME = 2500

/** The newest orders, live, and those of them that other users have just changed. */
export interface Board {
  orders: Collection<Order>
  /** Number of orders that are older than those on the board. */
  olderCount: Accessor<number>
  byStatus: Accessor<Readonly<Record<OrderStatus, readonly number[]>>>
  highlighted: Readonly<Record<number, true | undefined>>
  /** Changes the status of an order; resolves when the server has responded, also when it has refused. */
  move: (order: Order, to: OrderStatus) => Promise<void>
}

/** The board lives as long as the component that creates it. */
export function createBoard(): Board {
  const [olderCount, setOlderCount] = createSignal(0)
  const orders = createCollection<Order>({
    load: async () => {
      // Counted with the first page, not after the last: orders created in between arrive over the stream.
      const [newest, total] = await Promise.all([loadNewest(MAX_ORDERS, pageOf), countAll()])
      const older = newest.isPartial ? Math.max(0, total - newest.rows.length) : 0
      return { ...newest, onTaken: () => setOlderCount(older) }
    },
    max: () => MAX_ORDERS,
    onDropped: (rows) => setOlderCount((before) => before + rows.length),
    channels: channelsOfRows('orders'),
    effectOf(event) {
      const { order } = payloadOf(event, 'order')
      if (!order) return undefined
      return event.type === 'order.deleted' ? { remove: order.id } : { put: order }
    },
  })
  const byStatus = createMemo(() => groupByStatus(orders.ids(), (id) => orders.rows[id]?.status))
  const move = async (order: Order, to: OrderStatus) => {
    try {
      const headers = { 'if-match': `"${order.version}"` }
      orders.put(await ask(api.orders({ id: order.id }).transitions.post({ to }, { headers })))
    } catch (error) {
      showNotice(await explain(order, to, error))
    }
  }
  const explain = async (order: Order, to: OrderStatus, error: unknown): Promise<string> => {
    if (!(error instanceof ApiError) || !isConflict(error.code)) return (error as Error).message
    const current = await ask(api.orders({ id: order.id }).get()).catch(() => undefined)
    if (current) batch(() => orders.put(current))
    return conflictMessage(order.id, to, current)
  }
  return { orders, olderCount, byStatus, highlighted: createHighlights(orders), move }
}

/** Orders that other users have changed. The user's own changes are in the rows before their events arrive. */
function createHighlights(orders: Collection<Order>): Readonly<Record<number, true | undefined>> {
  const [highlighted, setHighlighted] = createStore<Record<number, true | undefined>>({})
  const timers = new Set<ReturnType<typeof setTimeout>>()
  onCleanup(() => {
    for (const timer of timers) clearTimeout(timer)
  })
  orders.onArrival((_, { id }) => {
    setHighlighted(id, true)
    const timer = setTimeout(() => {
      timers.delete(timer)
      setHighlighted(id, undefined)
    }, HIGHLIGHT_TIME)
    timers.add(timer)
  })
  return highlighted
}

/** The order that a link to the page names, such as one in a notification; it may be older than those on the board. */
export function createLinkedOrder(orders: Collection<Order>, linkedId: Accessor<number>): Accessor<Order | undefined> {
  const [older, setOlder] = createSignal<Order>()
  const linked = () => orders.rows[linkedId()] ?? (older()?.id === linkedId() ? older() : undefined)
  createEffect(() => {
    const id = linkedId()
    if (orders.state() !== 'ready' || !(id > 0) || untrack(linked)) return
    ask(api.orders({ id }).get()).then(setOlder, () => showNotice(`Order ${id} does not exist or could not be read.`))
  })
  return linked
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
