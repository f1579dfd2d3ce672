import { PAGE_BYTES } from '../../../http/paging.ts'
import { AppError } from '../../../platform/errors.ts'
import { Slice } from '../../../platform/event-loop.ts'
import type { Database } from '../../../platform/pool.ts'
import type { OrderLine } from '../../orders/schema.ts'
import { toCsv } from './csv-cells.ts'
import type { Kind, TaskContext } from './kind.ts'
import { reportPage } from './report-page.ts'
import { ReportTotals, type Total } from './report-totals.ts'

interface ReportInput {
  from?: string
  to?: string
}

/** Orders of one query, or fewer when they are large. */
const PAGE = 500
/** Sums in memory above which they are added to those in Postgres. */
const FLUSH = 5_000

interface OrderRow {
  id: number
  customer: string
  currency: string
  lines: OrderLine[]
  total: number
  /** As text, because a Date has no microseconds. */
  created: string
  day: string
}

/**
 * Adds up the orders of a period by day, customer and SKU, as CSV and as a page with charts. Cancelled orders do not
 * count. Orders are read a page at a time and sums are kept in Postgres, so memory does not grow with either.
 */
export const report: Kind<ReportInput> = {
  role: 'operator',
  describe: ({ from, to }) => (from || to ? `Report ${from ?? '…'} to ${to ?? 'today'}` : 'Report of all orders'),
  check({ from, to }) {
    for (const day of [from, to])
      if (day !== undefined && !isDay(day)) throw invalid(`${day} is not a day of the calendar.`)
    if (from && to && from > to) throw invalid(`${from} is after ${to}.`)
  },
  async run(context) {
    const { input } = context
    const through = input.to ?? new Date().toISOString().slice(0, 10)
    const period = { from: input.from ?? '0001-01-01', to: through }
    if (period.from > period.to) throw invalid(`${period.from} is after ${period.to}.`)
    const totals = new ReportTotals(context)
    await totals.clear()
    const orders = await addUp(context, period, totals)
    await writeCsv(context, totals)
    const page = await context.createFile('report.html', 'text/html; charset=utf-8')
    const html = await reportPage({ ...input, to: through, orders }, totals)
    await context.commit((sql) => page.append(sql, html))
    await totals.clear()
    return { orders }
  },
}

interface Period {
  /** First and last day, `YYYY-MM-DD`, in UTC. */
  from: string
  to: string
}

/** Where a page of orders begins: after this order. */
type Place = Pick<OrderRow, 'created' | 'id'>

/** @returns how many orders were read */
async function addUp(
  { database, signal, report: reportProgress }: TaskContext<ReportInput>,
  period: Period,
  totals: ReportTotals,
): Promise<number> {
  const all = await countOrders(database, period)
  const slice = new Slice()
  let read = 0
  let after: Place = { created: `${period.from} UTC`, id: 0 }
  for (;;) {
    signal.throwIfAborted()
    const percent = all === 0 ? 0 : (95 * Math.min(read, all)) / all
    reportProgress(percent, `${format(read)} of ${format(Math.max(read, all))} orders`)
    const rows = await readOrders(database, period, after)
    for (const row of rows) {
      if (slice.isOver) await slice.next()
      if (row.status !== 'cancelled') count(row, totals)
      if (totals.pending >= FLUSH) await totals.flush()
    }
    read += rows.length
    const last = rows.at(-1)
    if (!last) break
    after = last
  }
  await totals.flush()
  return read
}

async function countOrders(database: Database, { from, to }: Period): Promise<number> {
  const [row] = await database.query(
    (sql) => sql<{ count: number }[]>`
      select count(*)::int as count from sse.orders
      where created_at >= ${from}::timestamp at time zone 'UTC'
        and created_at < (${to}::timestamp + interval '1 day') at time zone 'UTC'`,
  )
  return row?.count ?? 0
}

/** The next orders by time, cancelled ones too. */
const readOrders = (database: Database, { to }: Period, after: Place) =>
  database.query(
    (sql) => sql<(OrderRow & { status: string })[]>`
      select id, customer, currency, lines, total, status, created_at::text as created,
             to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day
      from (
        select *, sum(octet_length(lines::text)) over (order by created_at, id rows between unbounded preceding and 1 preceding) as bytes_before
        from (
          select * from sse.orders
          where created_at < (${to}::timestamp + interval '1 day') at time zone 'UTC'
            and (created_at, id) > (${after.created}::text::timestamptz, ${after.id})
          order by created_at, id limit ${PAGE}
        ) page
      ) sized
      where coalesce(bytes_before, 0) < ${PAGE_BYTES}
      order by created_at, id`,
  )

function count({ day, customer, currency, lines, total }: OrderRow, totals: ReportTotals): void {
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0)
  totals.add('day', day, currency, { orders: 1, quantity, revenue: BigInt(total) })
  totals.add('customer', customer, currency, { orders: 1, quantity, revenue: BigInt(total) })
  const skus = new Set<string>()
  for (const { sku, quantity, unitPrice } of lines) {
    totals.add('sku', sku, currency, {
      orders: skus.has(sku) ? 0 : 1,
      quantity,
      revenue: BigInt(quantity) * BigInt(unitPrice),
    })
    skus.add(sku)
  }
}

async function writeCsv(context: TaskContext<ReportInput>, totals: ReportTotals): Promise<void> {
  context.report(95, 'Writing the files')
  const file = await context.createFile('report.csv', 'text/csv; charset=utf-8')
  const header = ['dimension', 'key', 'currency', 'orders', 'quantity', 'revenue_minor']
  await context.commit((sql) => file.append(sql, toCsv([header])))
  for await (const page of totals.pages()) {
    context.signal.throwIfAborted()
    const rows = page.map((total: Total) =>
      header.map((column) => total[column === 'revenue_minor' ? 'revenue' : (column as keyof Total)]),
    )
    await context.commit((sql) => file.append(sql, toCsv(rows)))
  }
}

/** Whether the calendar has the day, and Postgres can store it. */
function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`)
  return day > '0001' && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}

const invalid = (problem: string) => new AppError('report.period_invalid', problem)

const format = (count: number) => count.toLocaleString('en')
