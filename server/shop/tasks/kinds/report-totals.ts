import type { TaskContext } from './kind.ts'

/** What sums are grouped by. */
export type Dimension = 'day' | 'customer' | 'sku'

/** A row of the report. Sums are text: they may be larger than a number holds exactly. */
export interface Total {
  dimension: Dimension
  key: string
  /** ISO 4217. */
  currency: string
  orders: string
  quantity: string
  /** In minor units. */
  revenue: string
}

interface Sums {
  orders: number
  quantity: number
  revenue: bigint
}

/** Rows of one query. */
const PAGE = 1000

/** Sums of possibly millions of keys: a few thousand are in memory, and all of them in Postgres. */
export class ReportTotals {
  readonly #context: Pick<TaskContext<never>, 'commit' | 'database' | 'task'>
  #sums = new Map<string, Sums & Pick<Total, 'dimension' | 'key' | 'currency'>>()

  constructor(context: Pick<TaskContext<never>, 'commit' | 'database' | 'task'>) {
    this.#context = context
  }

  /** Keys in memory. */
  get pending(): number {
    return this.#sums.size
  }

  /** Adds to the sums in memory. */
  add(dimension: Dimension, key: string, currency: string, { orders, quantity, revenue }: Sums): void {
    const id = `${dimension}\0${currency}\0${key}`
    let sums = this.#sums.get(id)
    if (!sums) {
      sums = { dimension, key, currency, orders: 0, quantity: 0, revenue: 0n }
      this.#sums.set(id, sums)
    }
    sums.orders += orders
    sums.quantity += quantity
    sums.revenue += revenue
  }

  /** Adds the sums in memory to those in Postgres. @throws {AttemptLostError} */
  async flush(): Promise<void> {
    const rows = [...this.#sums.values()].map(({ revenue, ...rest }) => ({ ...rest, revenue: String(revenue) }))
    this.#sums.clear()
    if (rows.length === 0) return
    await this.#context.commit(
      (sql) => sql`
        insert into sse.report_totals as t (task, dimension, key, currency, orders, quantity, revenue)
        select ${this.#context.task}, r.* from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as r (dimension text, key text, currency text, orders bigint, quantity numeric, revenue numeric)
        on conflict (task, dimension, key, currency) do update set
          orders = t.orders + excluded.orders, quantity = t.quantity + excluded.quantity,
          revenue = t.revenue + excluded.revenue`,
    )
  }

  /** All rows: days first, then customers, then SKUs, each by key. */
  async *pages(): AsyncGenerator<Total[]> {
    for (const dimension of ['day', 'customer', 'sku'] as const) {
      let after = { key: '', currency: '' }
      for (;;) {
        const rows = await this.#context.database.query(
          (sql) => sql<Total[]>`
            select dimension, key, currency, orders::text, quantity::text, revenue::text from sse.report_totals
            where task = ${this.#context.task} and dimension = ${dimension}
              and (key, currency) > (${after.key}, ${after.currency})
            order by key, currency limit ${PAGE}`,
        )
        if (rows.length > 0) yield [...rows]
        const last = rows.at(-1)
        if (!last || rows.length < PAGE) break
        after = last
      }
    }
  }

  /** Those with the highest revenue in a currency. In SQL, `revenue` alone would be the text of the result. */
  async top(dimension: Dimension, currency: string, limit: number): Promise<Total[]> {
    const rows = await this.#context.database.query(
      (sql) => sql<Total[]>`
        select dimension, key, currency, orders::text, quantity::text, revenue::text from sse.report_totals as t
        where task = ${this.#context.task} and dimension = ${dimension} and currency = ${currency}
        order by t.revenue desc, key limit ${limit}`,
    )
    return [...rows]
  }

  /** One row a currency, the highest revenue first. */
  async byCurrency(): Promise<Pick<Total, 'currency' | 'orders' | 'revenue'>[]> {
    const rows = await this.#context.database.query(
      (sql) => sql<Pick<Total, 'currency' | 'orders' | 'revenue'>[]>`
        select currency, sum(orders)::text as orders, sum(revenue)::text as revenue from sse.report_totals
        where task = ${this.#context.task} and dimension = 'day' group by currency order by sum(revenue) desc`,
    )
    return [...rows]
  }

  /** Deletes the sums in Postgres. @throws {AttemptLostError} */
  async clear(): Promise<void> {
    await this.#context.commit((sql) => sql`delete from sse.report_totals where task = ${this.#context.task}`)
  }
}
