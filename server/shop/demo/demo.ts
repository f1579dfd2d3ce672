import { treaty } from '@elysiajs/eden'
import type { Order, OrderStatus } from '../orders/schema.ts'
import type { ShopRoutes } from '../routes.ts'
import { CUSTOMERS, newOrder, pick } from './shop.ts'

/** What a simulated shop needs. */
export interface DemoOptions {
  /** URL of a running server. */
  url: string
  /** Further headers of each request, such as `authorization`. Defaults to none. */
  headers?: Record<string, string>
  /** Numbers from 0 to 1. */
  random: () => number
  /** Maximum number of orders; older ones that are finished are deleted. */
  keep: number
}

/** How many actions of each kind were done. */
export type Tally = Record<'orders' | 'steps' | 'cancelled' | 'tasks' | 'notifications' | 'deleted', number>

/** Number of waiting tasks above which no further one is started. */
const MAX_WAITING = 5

const NEXT: Partial<Record<OrderStatus, OrderStatus>> = {
  pending: 'paid',
  paid: 'packed',
  packed: 'shipped',
  shipped: 'delivered',
}

/** Simulates a busy shop through the HTTP API, as any client would use it. */
export class Demo {
  readonly #api: ReturnType<typeof treaty<ShopRoutes>>['api']
  readonly #options: DemoOptions
  /** The orders that it has created, oldest first: it changes no others. */
  readonly #orders = new Map<number, Order>()
  readonly tally: Tally = { orders: 0, steps: 0, cancelled: 0, tasks: 0, notifications: 0, deleted: 0 }

  constructor(options: DemoOptions) {
    this.#options = options
    this.#api = treaty<ShopRoutes>(options.url, { headers: options.headers ?? {} }).api
  }

  /** Creates the initial orders. @throws {Error} when the server does not respond */
  async open(count: number): Promise<void> {
    while (this.#orders.size < count) {
      await this.#order()
      // Spread over all the steps.
      for (let steps = Math.floor(this.#options.random() * 5); steps > 0; steps--) await this.#advance()
    }
  }

  /** Does one random action. @throws {Error} when the server does not respond */
  async act(): Promise<void> {
    const { random } = this.#options
    const what = random()
    if (what < 0.3) await this.#order()
    else if (what < 0.9) await this.#advance()
    else if (what < 0.94) await this.#cancel()
    else if (what < 0.97) await this.#startTask()
    else await this.#announce()
  }

  async #order(): Promise<void> {
    if (this.#orders.size >= this.#options.keep && !(await this.#forget())) return this.#advance()
    const order = dataOf(await this.#api.orders.post(newOrder(this.#options.random), as('shop')))
    this.#orders.set(order.id, order)
    this.tally.orders++
  }

  /** Moves an order to its next status; the customer is notified when it is shipped. */
  async #advance(): Promise<void> {
    const order = this.#pick(({ status }) => NEXT[status] !== undefined)
    const to = order && NEXT[order.status]
    if (!to) return
    await this.#move(order, to)
    this.tally.steps++
    if (to === 'shipped') {
      const title = `Order ${order.id} is on its way`
      await this.#notify({ to: [order.customer], title, level: 'success', link: `/orders?id=${order.id}` })
    }
  }

  async #cancel(): Promise<void> {
    const order = this.#pick(({ status }) => status === 'pending' || status === 'paid')
    if (!order) return
    await this.#move(order, 'cancelled')
    this.tally.cancelled++
  }

  /** When another client has changed the order, its state is read again. */
  async #move(order: Order, to: OrderStatus): Promise<void> {
    const path = this.#api.orders({ id: order.id })
    const moved = await path.transitions.post({ to }, as('shop', { 'if-match': `"${order.version}"` }))
    if (moved.data) {
      this.#orders.set(order.id, moved.data)
      return
    }
    const read = await path.get()
    if (read.data) this.#orders.set(order.id, read.data)
    else if (Number(read.error?.status) === 404) this.#orders.delete(order.id)
    else throw new Error(`the server responded with status ${read.error?.status}`)
  }

  async #startTask(): Promise<void> {
    const { random } = this.#options
    const { counts } = dataOf(await this.#api.tasks.count.get())
    if ((counts.queued ?? 0) > MAX_WAITING) return
    const owner = pick(random, CUSTOMERS)
    const input = { seconds: 3 + Math.floor(random() * 12), ...(random() < 0.1 && { fail_at: 60 }) }
    dataOf(await this.#api.tasks.post(random() < 0.3 ? { kind: 'report' } : { kind: 'demo', input }, as(owner)))
    this.tally.tasks++
  }

  async #announce(): Promise<void> {
    const titles = ['New teas are here', 'Free shipping until midnight', 'We close early today', 'The kettle is back']
    await this.#notify({ to: 'everyone', title: pick(this.#options.random, titles), level: 'info' })
  }

  async #notify(notification: { to: string[] | 'everyone'; title: string; level: 'info' | 'success'; link?: string }) {
    dataOf(await this.#api.notifications.post(notification, as('shop')))
    this.tally.notifications++
  }

  /** Deletes the oldest finished order. @returns whether there was one */
  async #forget(): Promise<boolean> {
    const order = [...this.#orders.values()].find(({ status }) => status === 'delivered' || status === 'cancelled')
    if (!order) return false
    await this.#api.orders({ id: order.id }).delete(undefined, as('shop'))
    this.#orders.delete(order.id)
    this.tally.deleted++
    return true
  }

  #pick(condition: (order: Order) => boolean): Order | undefined {
    return pick(this.#options.random, [...this.#orders.values()].filter(condition))
  }
}

const as = (user: string, headers: Record<string, string> = {}) => ({ headers: { 'x-user': user, ...headers } })

/** The server refused a request. */
export class DemoError extends Error {
  override name = 'DemoError'
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message)
  }
}

/** The data of a successful response. @throws {DemoError} with the detail of a problem document */
function dataOf<T>(result: { data: T | null; error: { status: unknown; value?: unknown } | null }): T {
  if (result.data !== null) return result.data
  const { detail } = (result.error?.value ?? {}) as { detail?: string }
  // The client makes a 503 without a document of it.
  const status = Number(result.error?.status)
  throw new DemoError(detail ?? (status === 503 ? 'no response' : `the server responded with status ${status}`), status)
}
